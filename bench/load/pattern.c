#include "pattern.h"

uint8_t pattern_table[PATTERN_PERIOD + PATTERN_SPAN];

void pattern_init(void) {
  uint32_t state = 0x9e3779b9u;
  for (size_t i = 0; i < PATTERN_PERIOD; i++) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    pattern_table[i] = (uint8_t)(state >> 24);
  }
  for (size_t i = PATTERN_PERIOD; i < sizeof pattern_table; i++) {
    pattern_table[i] = pattern_table[i - PATTERN_PERIOD];
  }
}
