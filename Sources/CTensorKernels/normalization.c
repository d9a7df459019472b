#define TK_TEMPLATE "normalization_template.h"
#include "tk_both_types.h"
