// The context switch: the stack pointer, the frame pointer and the address to go on at.
//
// It is inline assembly that tells the compiler that every other register is lost, so that only
// what is live is saved; and it enters and leaves by jumps. A switch that is called and ends in a
// jump or a `ret` of its own unbalances the processor's return predictor, and then every return on
// the way back to the user's code is mispredicted (measured: an unbuffered round trip through six
// frames took 118 ns with a called switch).
//
// The floating-point control words are not switched: a goroutine that changes the rounding mode
// must change it back before it blocks.
// Invariants: R1 a suspended stack's top word is the address to jump to; that code restores the
//                rest.
// Tested by: tests/unit/port/context_test.cpp, tests/aarch64
#pragma once

#if defined(__x86_64__)
#include "port/switch/context_x86_64.hpp"
#elif defined(__aarch64__)
#include "port/switch/context_aarch64.hpp"
#else
#error "weft has no context switch for this processor"
#endif
