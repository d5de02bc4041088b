//go:build cgo

#include <immintrin.h>
#include <stdint.h>

#define AVX2 __attribute__((target("avx2")))
#define PART static inline __attribute__((target("avx2"), always_inline))

int spineflex_turns(void) { return __builtin_cpu_supports("avx2"); }

// The bytes that stand for each other in both halves of a register.
#define TWICE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
#define ANY3(a, b, c) _mm256_or_si256(_mm256_or_si256(a, b), c)

// interleave stores 32 pixels, given by channel.
PART void interleave(uint8_t *to, __m256i b, __m256i g, __m256i r) {
	const int8_t o = -1; // nothing of this channel
	// Of each half's 16 pixels: those in the first 16 bytes, in the second, in the third.
	__m256i first = ANY3(
		_mm256_shuffle_epi8(b, TWICE(0, o, o, 1, o, o, 2, o, o, 3, o, o, 4, o, o, 5)),
		_mm256_shuffle_epi8(g, TWICE(o, 0, o, o, 1, o, o, 2, o, o, 3, o, o, 4, o, o)),
		_mm256_shuffle_epi8(r, TWICE(o, o, 0, o, o, 1, o, o, 2, o, o, 3, o, o, 4, o)));
	__m256i second = ANY3(
		_mm256_shuffle_epi8(b, TWICE(o, o, 6, o, o, 7, o, o, 8, o, o, 9, o, o, 10, o)),
		_mm256_shuffle_epi8(g, TWICE(5, o, o, 6, o, o, 7, o, o, 8, o, o, 9, o, o, 10)),
		_mm256_shuffle_epi8(r, TWICE(o, 5, o, o, 6, o, o, 7, o, o, 8, o, o, 9, o, o)));
	__m256i third = ANY3(
		_mm256_shuffle_epi8(b, TWICE(o, 11, o, o, 12, o, o, 13, o, o, 14, o, o, 15, o, o)),
		_mm256_shuffle_epi8(g, TWICE(o, o, 11, o, o, 12, o, o, 13, o, o, 14, o, o, 15, o)),
		_mm256_shuffle_epi8(r, TWICE(10, o, o, 11, o, o, 12, o, o, 13, o, o, 14, o, o, 15)));
	_mm256_storeu_si256((__m256i *)to, _mm256_permute2x128_si256(first, second, 0x20));
	_mm256_storeu_si256((__m256i *)(to + 32), _mm256_permute2x128_si256(third, first, 0x30));
	_mm256_storeu_si256((__m256i *)(to + 64), _mm256_permute2x128_si256(second, third, 0x31));
}

// channel adds what a channel has of colour, one for every two pixels, to the
// luma of the even and the odd ones, and puts them in turn.
PART __m256i channel(__m256i even, __m256i odd, __m256i colour) {
	__m256i v = _mm256_packus_epi16(_mm256_add_epi16(even, colour), _mm256_add_epi16(odd, colour));
	return _mm256_unpacklo_epi8(v, _mm256_srli_si256(v, 8));
}

// spineflex_turn fills a picture in BGR from its planes of luma and of blue and red
// difference. Its width is even and 32 or more. The factors are those of colours
// in colour.go.
AVX2 void spineflex_turn(uint8_t *bgr, const uint8_t *luma, const uint8_t *cb, const uint8_t *cr, int width, int height,
	int16_t black, int16_t y, int16_t red, int16_t green_cb, int16_t green_cr, int16_t blue) {
#define ALL _mm256_set1_epi16
#define WITHOUT(v, zero) _mm256_sub_epi16(_mm256_slli_epi16(v, 3), ALL(8 * (zero)))
	for (int row = 0; row < height; row++) {
		for (int x = 0; x < width; x += 32) {
			if (x > width - 32) x = width - 32; // the last ones overlap with those before
			__m256i l = _mm256_loadu_si256((const __m256i *)(luma + x));
			__m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(cb + x / 2)));
			__m256i r = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(cr + x / 2)));
			__m256i even = _mm256_mulhi_epi16(WITHOUT(_mm256_and_si256(l, ALL(255)), black), ALL(y));
			__m256i odd = _mm256_mulhi_epi16(WITHOUT(_mm256_srli_epi16(l, 8), black), ALL(y));
			b = WITHOUT(b, 128);
			r = WITHOUT(r, 128);
			__m256i green = _mm256_add_epi16(_mm256_mulhi_epi16(b, ALL(green_cb)), _mm256_mulhi_epi16(r, ALL(green_cr)));
			interleave(bgr + 3 * x,
				channel(even, odd, _mm256_mulhi_epi16(b, ALL(blue))),
				channel(even, odd, green),
				channel(even, odd, _mm256_mulhi_epi16(r, ALL(red))));
		}
		bgr += 3 * width;
		luma += width;
		if (row & 1) {
			cb += width / 2;
			cr += width / 2;
		}
	}
}
