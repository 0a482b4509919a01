// The vector registers of the instruction set that the kernels are compiled for.

import CProcessor

public enum Registers {
  /// How many vectors of 64 bytes (`KernelScalar.Lanes`) fit into them: 32 with AVX-512, 8 with AVX2 and NEON, 4 with SSE2.
  @inlinable @inline(__always)
  public static var heldLanes: Int { Int(BLOCH_REGISTERS) * Int(BLOCH_REGISTER_BYTES) / 64 }
}
