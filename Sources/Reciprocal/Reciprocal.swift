// Reciprocal
