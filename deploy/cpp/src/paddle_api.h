// The paddle_infer interface, from whichever place the build chose. The only file that knows there are two.
#pragma once

#ifdef KIT_PADDLE_SDK
#include "paddle_inference_api.h"  // the official SDK
#else
#include "paddle_wheel.h"  // declarations of what the pip wheel's libpaddle.so exports
#endif
