// A switch in a loop: 512 steps of a small tokeniser.
#include "bench.h"

enum { START, WORD, NUMBER, SPACE, QUOTE, ESCAPE, COMMENT, END };

BENCH(state_machine) {
    u32 state = START, tokens = 0;
    for (u32 i = 0; i < 512; i++) {
        const u8 c = mem[i] & 7;
        switch (state) {
            case START: state = c < 3 ? WORD : c < 5 ? NUMBER : SPACE; break;
            case WORD:
                if (c >= 5) state = SPACE, tokens++;
                break;
            case NUMBER:
                if (c < 3) state = WORD;
                else if (c >= 6) state = COMMENT, tokens += 2;
                break;
            case SPACE: state = c == 7 ? QUOTE : c < 4 ? WORD : SPACE; break;
            case QUOTE:
                if (c == 1) state = ESCAPE;
                else if (c == 7) state = SPACE, tokens += 3;
                break;
            case ESCAPE: state = QUOTE; break;
            case COMMENT:
                if (c == 0) state = END;
                break;
            default: state = START, tokens ^= 0x55; break;
        }
    }
    return (u64)tokens << 8 | state;
}
