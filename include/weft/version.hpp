#pragma once

/// The version of these headers, for `#if`: 10000 * major + 100 * minor + patch.
#define WEFT_VERSION 100  // the one macro: the preprocessor cannot see a constant
