// Denormal numbers cost a hundred cycles each and mean nothing here: dead weights of trained models are full
// of them. The mode belongs to the thread (MXCSR on x86-64, FPCR on arm64), so it is set around each kernel.

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs `body` on this thread with denormal operands and results taken as zero, then restores the mode.
public func flushingDenormals(_ body: () -> Void) {
  var saved = fenv_t()
  fegetenv(&saved)
  var flushing = saved
  #if arch(x86_64)
    flushing.__mxcsr |= 0x8040  // FTZ and DAZ
  #elseif arch(arm64)
    flushing.__fpcr |= 1 << 24  // FZ
  #endif
  fesetenv(&flushing)
  body()
  fesetenv(&saved)
}
