#pragma once
#include <png.h>
#include "picture_reader.h"
