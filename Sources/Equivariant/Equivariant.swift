// Equivariant
