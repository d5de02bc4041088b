#include "opencv.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <string>

#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>
#include <opencv2/dnn.hpp>

struct opencv_network {
	cv::dnn::Net net;
	cv::Mat input, output;
};

namespace {

// attempt does f and turns an exception, which must not reach Go, into a message.
template <typename F> char *attempt(F f) {
	std::string message;
	try {
		f();
		return nullptr;
	} catch (const cv::Exception &e) {
		message = e.func + ": " + e.err; // what() spreads it over lines
	} catch (const std::exception &e) {
		message = e.what();
	} catch (...) {
		message = "an exception of unknown type";
	}
	std::replace(message.begin(), message.end(), '\n', ' ');
	return strdup(message.c_str());
}

} // namespace

const char *opencv_version(void) {
	static const std::string version = cv::getVersionString();
	return version.c_str();
}

void opencv_set_threads(int threads) { cv::setNumThreads(threads); }

char *opencv_open(const void *model, size_t size, const int *shape, int dims, opencv_network **network) {
	return attempt([&] {
		auto net = cv::dnn::readNetFromONNX(static_cast<const char *>(model), size);
		net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
		net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
		*network = new opencv_network{net, cv::Mat(dims, shape, CV_32F, cv::Scalar(0)), cv::Mat()};
	});
}

float *opencv_input(opencv_network *network) { return network->input.ptr<float>(); }

char *opencv_run(opencv_network *network, const char *output) {
	return attempt([&] {
		network->net.setInput(network->input);
		network->output = network->net.forward(output);
		CV_Assert(network->output.type() == CV_32F && network->output.isContinuous());
	});
}

float *opencv_output(opencv_network *network) { return network->output.ptr<float>(); }

size_t opencv_output_size(opencv_network *network) { return network->output.total(); }

void opencv_close(opencv_network *network) { delete network; }
