#include "base/ascii.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace portcullis {

const char* find_control(const char* at, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; at + 16 <= end; at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low =
        _mm_cmpeq_epi8(_mm_min_epu8(bytes, space), bytes);  // bytes <= 0x1f, unsigned
    const __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low);
    const int mask = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(bytes, del)));
    if (mask != 0) return at + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  for (; at < end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if ((c < 0x20 && c != '\t') || c == 0x7f) break;
  }
  return at;
}

}  // namespace portcullis
