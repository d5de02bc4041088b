// A narrow door to OpenCV's DNN module. gocv 0.31 lets C++ exceptions through,
// which ends the process when a model is broken; here each becomes an error.
#ifndef SPINEFLEX_INFER_OPENCV_H
#define SPINEFLEX_INFER_OPENCV_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dnn_net dnn_net;

// dnn_open reads an ONNX model. It returns NULL and a message that the caller
// frees in *err if that fails.
dnn_net *dnn_open(const char *model, size_t len, const int *shape, int dims, char **err);

// dnn_add_output names the next output and how many floats it has, and
// returns the buffer that dnn_run fills.
float *dnn_add_output(dnn_net *net, const char *name, size_t len);

// dnn_input returns the buffer that dnn_run reads.
float *dnn_input(dnn_net *net);

// dnn_run computes every output. It returns NULL or a message to free.
char *dnn_run(dnn_net *net);

void dnn_close(dnn_net *net);

// dnn_threads sets how many threads all of OpenCV uses; 0 is one per core.
void dnn_threads(int n);

const char *dnn_version(void);

#ifdef __cplusplus
}
#endif

#endif
