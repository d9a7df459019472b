#define TK_TEMPLATE "recurrent_template.h"
#include "tk_both_types.h"
