#define TK_TEMPLATE "activation_template.h"
#include "tk_both_types.h"
