#include "exported.h"

/* What stands in a block of bytes, `data`, is told by places in it: field f of row r begins behind
   `marks[firsts[r] + f]` and ends before `marks[firsts[r] + f + 1]`. */

enum { COMMA = ',', LINE_FEED = '\n', RETURN = '\r', QUOTE = '"' };

/* What ends a search for rows; the first four in the order of the texts in `scanning.py`. */
enum { UNFINISHED, OTHER_FIELDS, INNER_QUOTE, INNER_RETURN, NO_FAULT };

/* Bytes looked at in one go, a multiple of 8. */
enum { STEP = 4096 };

/* A field as it stands in the data, without its quotation marks. */
typedef struct {
    const uint8_t *bytes;
    int64_t size;
} Text;

/* Return a field of the row whose marks begin at `first`. */
static Text field(const uint8_t *data, const int32_t *marks, int64_t first, int64_t column)
{
    int64_t begin = marks[first + column] + 1, end = marks[first + column + 1];
    bool quoted = begin < end && data[begin] == QUOTE;
    return (Text){data + begin + quoted, end - begin - 2 * quoted};
}

/* Return whether two texts are the same. */
static bool equal(Text one, Text other)
{
    return one.size == other.size && memcmp(one.bytes, other.bytes, (size_t)one.size) == 0;
}

/* Mark the place before the block, -1, and those of all bytes that mean something; return how many
   marks these are. For one more there must be room. */
static int64_t mark(const uint8_t *data, int64_t size, int32_t *marks)
{
    uint8_t flags[STEP];
    int64_t n_marks = 1;
    marks[0] = -1;
    for (int64_t start = 0; start < size; start += STEP) {
        int64_t length = size - start < STEP ? size - start : STEP;
        /* It does nothing else, so that many bytes are taken at a time. */
        for (int64_t i = 0; i < length; i++) {
            uint8_t byte = data[start + i];
            flags[i] = (byte == COMMA) | (byte == LINE_FEED) | (byte == QUOTE) | (byte == RETURN);
        }
        memset(flags + length, 0, (size_t)(STEP - length));
        for (int64_t i = 0; i < STEP; i += 8) {
            uint64_t any;
            memcpy(&any, flags + i, sizeof any);
            if (any == 0)
                continue;
            for (int64_t j = i; j < i + 8; j++) {
                /* Written always, kept only if flagged: branches would be guessed wrong. */
                marks[n_marks] = (int32_t)(start + j);
                n_marks += flags[j];
            }
        }
    }
    return n_marks;
}

/* Marks, sifted in place: up to `kept` are those of rows, from `read` those not looked at yet. */
typedef struct {
    int32_t *marks;
    int64_t n_marks, read, kept;
} Sieve;

/* Let a place be the next mark of the rows. */
static void keep(Sieve *sieve, int32_t place)
{
    sieve->kept++;
    sieve->marks[sieve->kept] = place;
}

/* Pass over a value in quotation marks, of which the first was the latest mark. */
static int pass_quoted(const uint8_t *data, Sieve *sieve)
{
    const int32_t *marks = sieve->marks;
    if (marks[sieve->read - 1] != marks[sieve->kept] + 1)
        return INNER_QUOTE;
    while (sieve->read < sieve->n_marks && data[marks[sieve->read]] == COMMA)
        sieve->read++;
    if (sieve->read == sieve->n_marks)
        return UNFINISHED;
    int32_t close = marks[sieve->read];
    sieve->read++;
    if (data[close] != QUOTE)
        return INNER_QUOTE;
    if (sieve->read == sieve->n_marks)
        return UNFINISHED;
    bool ends_value = marks[sieve->read] == close + 1 && data[close + 1] != QUOTE;
    return ends_value ? NO_FAULT : INNER_QUOTE;
}

/* Keep the commas between the values of a line, up to its line feed, then the latest mark. */
static int sift_line(const uint8_t *data, Sieve *sieve)
{
    int fault = NO_FAULT;
    while (fault == NO_FAULT) {
        if (sieve->read == sieve->n_marks)
            return UNFINISHED;
        int32_t place = sieve->marks[sieve->read];
        sieve->read++;
        if (data[place] == LINE_FEED)
            return NO_FAULT;
        if (data[place] == COMMA)
            keep(sieve, place);
        else if (data[place] == QUOTE)
            fault = pass_quoted(data, sieve);
        else if (sieve->read < sieve->n_marks && data[place + 1] != LINE_FEED)
            return INNER_RETURN;
    }
    return fault;
}

/* Find the whole rows of a block, and fill `marks` and `firsts`. Return what is wrong with the row
   that follows; `found` tells how many rows there are, and how many fields that one has. */
EXPORT int32_t split(const uint8_t *data, int64_t size, int64_t n_fields, int32_t *marks,
                     int64_t *firsts, int64_t *found)
{
    Sieve sieve = {marks, mark(data, size, marks), 1, 0};
    int64_t n_rows = 0;
    for (;;) {
        int64_t first = sieve.kept;
        firsts[n_rows] = first;
        found[0] = n_rows;
        int fault = sift_line(data, &sieve);
        if (fault != NO_FAULT)
            return fault;
        int32_t line_feed = marks[sieve.read - 1];
        int32_t end = line_feed - (line_feed > 0 && data[line_feed - 1] == RETURN);
        bool is_empty = end == marks[first] + 1;
        if (!is_empty) {
            keep(&sieve, end);
            found[1] = sieve.kept - first;
            if (found[1] != n_fields)
                return OTHER_FIELDS;
            n_rows++;
        }
        if (is_empty || end != line_feed)
            keep(&sieve, line_feed);
    }
}

/* Return the whole number that a text is; -1 if it is none from 0 to the highest. */
static int32_t whole(Text text, int32_t highest)
{
    int32_t value = text.size > 0 ? 0 : -1;
    for (int64_t i = 0; i < text.size; i++) {
        uint8_t digit = (uint8_t)(text.bytes[i] - '0');
        if (digit > 9)
            return -1;
        value = 10 * value + digit;
        if (value > highest)
            return -1;
    }
    return value;
}

/* Read a column of whole numbers, -1 where there is none. */
EXPORT void read_wholes(const uint8_t *data, const int32_t *marks, const int64_t *firsts,
                        int64_t n_rows, int64_t column, int32_t highest, int32_t *values)
{
    for (int64_t row = 0; row < n_rows; row++)
        values[row] = whole(field(data, marks, firsts[row], column), highest);
}

/* Tell which word each row holds, -1 if none. Words stand one after another, up to `ends`. */
EXPORT void find_words(const uint8_t *data, const int32_t *marks, const int64_t *firsts,
                       int64_t n_rows, int64_t column, const uint8_t *words, const int64_t *ends,
                       int64_t n_words, int32_t *values)
{
    for (int64_t row = 0; row < n_rows; row++) {
        Text text = field(data, marks, firsts[row], column);
        int64_t start = 0;
        values[row] = -1;
        for (int32_t word = 0; word < n_words; word++) {
            if (equal(text, (Text){words + start, ends[word] - start}))
                values[row] = word;
            start = ends[word];
        }
    }
}

/* Tell which rows hold the same as the row before. */
EXPORT void find_repeats(const uint8_t *data, const int32_t *marks, const int64_t *firsts,
                         int64_t n_rows, int64_t column, bool *same)
{
    Text before = {data, -1}; /* equal to none */
    for (int64_t row = 0; row < n_rows; row++) {
        Text text = field(data, marks, firsts[row], column);
        same[row] = equal(text, before);
        before = text;
    }
}

/* Return the hash FNV-1a of a text, mixed once more, so that sums of it spread. */
static uint64_t hash(Text text)
{
    uint64_t value = 0xCBF29CE484222325;
    for (int64_t i = 0; i < text.size; i++)
        value = (value ^ text.bytes[i]) * 0x100000001B3;
    value = (value ^ (value >> 32)) * 0xFF51AFD7ED558CCD;
    return value ^ (value >> 32);
}

/* Hash each text of a column. */
EXPORT void hash_texts(const uint8_t *data, const int32_t *marks, const int64_t *firsts,
                       int64_t n_rows, int64_t column, uint64_t *values)
{
    for (int64_t row = 0; row < n_rows; row++)
        values[row] = hash(field(data, marks, firsts[row], column));
}

/* Tell where each text of a column begins if they stand one after another, and the last ends. */
EXPORT void measure_texts(const uint8_t *data, const int32_t *marks, const int64_t *firsts,
                          int64_t n_rows, int64_t column, int32_t *offsets)
{
    offsets[0] = 0;
    for (int64_t row = 0; row < n_rows; row++)
        offsets[row + 1] = offsets[row] + (int32_t)field(data, marks, firsts[row], column).size;
}

/* Put the texts of a column where they were measured to begin. */
EXPORT void copy_texts(const uint8_t *data, const int32_t *marks, const int64_t *firsts,
                       int64_t n_rows, int64_t column, const int32_t *offsets, uint8_t *texts)
{
    for (int64_t row = 0; row < n_rows; row++) {
        Text text = field(data, marks, firsts[row], column);
        memcpy(texts + offsets[row], text.bytes, (size_t)text.size);
    }
}
