#include "opencv.h"

#include <cstring>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/dnn.hpp>
#include <string>
#include <vector>

struct dnn_net {
	cv::dnn::Net net;
	cv::Mat input;
	std::vector<cv::String> names;
	std::vector<cv::Mat> outputs; // own buffers, fixed address
	std::vector<cv::Mat> blobs;   // headers of the network's buffers, reused
};

// guarded turns whatever f throws into a message on the heap.
template <typename F> static char *guarded(F f) {
	try {
		f();
		return nullptr;
	} catch (const cv::Exception &e) {
		return strdup(e.err.empty() ? "unknown OpenCV error" : e.err.c_str());
	} catch (const std::exception &e) {
		return strdup(e.what());
	} catch (...) {
		return strdup("unknown C++ exception");
	}
}

dnn_net *dnn_open(const char *model, size_t len, const int *shape, int dims, char **err) {
	dnn_net *net = nullptr;
	*err = guarded([&] {
		// The importer logs a whole trace for each model it refuses; the error says enough.
		cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
		net = new dnn_net;
		net->net = cv::dnn::readNetFromONNX(model, len);
		if (net->net.empty()) CV_Error(cv::Error::StsError, "the model holds no network");
		net->net.setPreferableBackend(cv::dnn::DNN_BACKEND_OPENCV);
		net->net.setPreferableTarget(cv::dnn::DNN_TARGET_CPU);
		net->input = cv::Mat(dims, shape, CV_32F, cv::Scalar(0));
	});
	if (*err != nullptr) {
		delete net;
		return nullptr;
	}
	return net;
}

float *dnn_add_output(dnn_net *net, const char *name, size_t len) {
	net->names.push_back(name);
	net->outputs.push_back(cv::Mat(1, static_cast<int>(len), CV_32F, cv::Scalar(0)));
	return net->outputs.back().ptr<float>();
}

float *dnn_input(dnn_net *net) { return net->input.ptr<float>(); }

char *dnn_run(dnn_net *net) {
	return guarded([&] {
		net->net.setInput(net->input);
		net->net.forward(net->blobs, net->names);
		for (size_t i = 0; i < net->names.size(); i++) {
			const cv::Mat &blob = net->blobs[i];
			cv::Mat &out = net->outputs[i];
			if (blob.total() != out.total() || blob.type() != CV_32F || !blob.isContinuous())
				CV_Error(cv::Error::StsUnmatchedSizes, "output \"" + net->names[i] + "\" has not the size its file says");
			std::memcpy(out.ptr<float>(), blob.ptr<float>(), out.total() * sizeof(float));
		}
	});
}

void dnn_close(dnn_net *net) { delete net; }

void dnn_threads(int n) { cv::setNumThreads(n > 0 ? n : -1); }

const char *dnn_version(void) { return CV_VERSION; }
