// Lets the MKL inside a PyTorch wheel take its AVX-512 kernels on CPUs that are not Intel's; preloaded for the tuned
// columns only.
int mkl_serv_intel_cpu_true(void) { return 1; }
