#define TK_TEMPLATE "optimizer_template.h"
#include "tk_both_types.h"
