// What Swift cannot ask of the processor: which of its cores this process may use; and of the instruction set that it
// compiles for (BLOCH_MARCH in Package.swift): its vector registers, and a b + c on vectors in one rounding where it has
// that, else in two. Swift's own fused product never rounds twice and calls the C library for each lane where there is no
// instruction, and comes out in half registers for eight doubles.

#ifndef BLOCH_CPROCESSOR_H
#define BLOCH_CPROCESSOR_H

#if defined(__linux__)
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <sched.h>

// Processors that the scheduler lets this process use, of which a queue or `taskset` may leave it few; 0 where that cannot
// be asked.
static inline int bloch_allowed_processors(void) {
  cpu_set_t allowed;
  return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : 0;
}
#else
static inline int bloch_allowed_processors(void) { return 0; }
#endif

#if defined(__AVX512F__)
#define BLOCH_REGISTER_BYTES 64
#define BLOCH_REGISTERS 32
#elif defined(__AVX__)
#define BLOCH_REGISTER_BYTES 32
#define BLOCH_REGISTERS 16
#elif defined(__ARM_NEON)
#define BLOCH_REGISTER_BYTES 16
#define BLOCH_REGISTERS 32
#else
#define BLOCH_REGISTER_BYTES 16
#define BLOCH_REGISTERS 16
#endif

// Swift sees these types as SIMD4, SIMD8 and SIMD16.
#define BLOCH_DEFINE_MULTIPLY_ADD(type, scalar, lanes)                                                       \
  typedef scalar type __attribute__((ext_vector_type(lanes)));                                               \
  static inline __attribute__((always_inline)) type type##_multiply_add(type a, type b, type c) {            \
    _Pragma("clang fp contract(fast)") return a * b + c;                                                     \
  }

BLOCH_DEFINE_MULTIPLY_ADD(bloch_float4, float, 4)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_float8, float, 8)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_float16, float, 16)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_double4, double, 4)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_double8, double, 8)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_double16, double, 16)

#endif
