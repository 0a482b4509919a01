/// Blocks of memory that the calling thread has asked for so far; 0 where they cannot be counted (no glibc).
long allocationCount(void);
