// What Swift cannot ask of the instruction set that it compiles for (BLOCH_MARCH in Package.swift): its vector registers,
// and a b + c on vectors in one rounding where it has that, else in two. Swift's own fused product never rounds twice and
// calls the C library for each lane where there is no instruction, and comes out in half registers for eight doubles.

#ifndef BLOCH_CPROCESSOR_H
#define BLOCH_CPROCESSOR_H

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

// Swift sees these types as SIMD8 and SIMD16.
typedef float bloch_float8 __attribute__((ext_vector_type(8)));
typedef float bloch_float16 __attribute__((ext_vector_type(16)));
typedef double bloch_double8 __attribute__((ext_vector_type(8)));

#define BLOCH_DEFINE_MULTIPLY_ADD(type)                                                                      \
  static inline __attribute__((always_inline)) type type##_multiply_add(type a, type b, type c) {            \
    _Pragma("clang fp contract(fast)") return a * b + c;                                                     \
  }

BLOCH_DEFINE_MULTIPLY_ADD(bloch_float8)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_float16)
BLOCH_DEFINE_MULTIPLY_ADD(bloch_double8)

#endif
