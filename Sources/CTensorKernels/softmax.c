#define TK_TEMPLATE "softmax_template.h"
#include "tk_both_types.h"
