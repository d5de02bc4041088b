package main

// OpenBLAS, which OpenCV brings along, starts a thread for every core as it is
// loaded, and each spins for some 20 ms before it sleeps: a tenth of what a
// minute's recording takes to be measured. Nobody here needs them. (Should
// OpenBLAS be asked for something large all the same, it starts them again.)

/*
#cgo LDFLAGS: -ldl
#define _GNU_SOURCE
#include <dlfcn.h>

__attribute__((constructor)) static void end_openblas_threads(void) {
	void (*end)(void) = dlsym(RTLD_DEFAULT, "blas_thread_shutdown_");
	if (end) end();
}
*/
import "C"
