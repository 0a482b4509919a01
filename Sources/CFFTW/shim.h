// FFTW3 in double precision (fftw_) and in single precision (fftwf_).

#include <fftw3.h>
