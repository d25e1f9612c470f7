/// weft: Go's concurrency model for C++. This header brings all of it; each concept has its own.
#pragma once

#include <weft/chan.hpp>
#include <weft/defer.hpp>
#include <weft/error.hpp>
#include <weft/go.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/time.hpp>
#include <weft/version.hpp>
#include <weft/wait_group.hpp>
