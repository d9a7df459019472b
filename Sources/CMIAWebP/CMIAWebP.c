// SwiftPM asks a C target for a source file; everything is in the header.
#include "CMIAWebP.h"
