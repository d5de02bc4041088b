// What this package needs of OpenCV's DNN module, in C. A function that can
// fail returns a message, one line to be freed, or NULL where all went well.

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct opencv_network opencv_network;

// opencv_version is "4.6.0", never freed.
const char *opencv_version(void);

// opencv_set_threads is for the whole process; negative is one per core.
void opencv_set_threads(int threads);

// opencv_open reads an ONNX file and makes its input, floats of that shape.
// What it gives is closed with opencv_close.
char *opencv_open(const void *model, size_t size, const int *shape, int dims, opencv_network **network);

// opencv_input holds as many floats as its shape says, until the network is closed.
float *opencv_input(opencv_network *network);

// opencv_run computes the value of that name from the input.
char *opencv_run(opencv_network *network, const char *output);

// opencv_output is what the last run computed, opencv_output_size floats, until
// the next.
float *opencv_output(opencv_network *network);
size_t opencv_output_size(opencv_network *network);

void opencv_close(opencv_network *network);

#ifdef __cplusplus
}
#endif
