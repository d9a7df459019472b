#pragma once
// Reading a PNG in memory as 8-bit RGB or RGBA.
//
// libpng's simplified interface applies the gamma that a file states and rounds 16 bits; other readers of training
// pictures (Pillow, and transformers with it) take samples as they are stored and keep the high byte. Errors of the full
// interface are long jumps, which Swift code must not be jumped over, so that they end here.
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t length, position;
  png_structp png;
  png_infop info;
  /// 3 or 4, after `cpng_open`.
  int channels;
  uint32_t width, height;
  char message[160];
} cpng_reader;

static inline void cpng_keep_error(png_structp png, png_const_charp text) {
  cpng_reader *reader = (cpng_reader *)png_get_error_ptr(png);
  strncpy(reader->message, text, sizeof reader->message - 1);
  png_longjmp(png, 1);
}

static inline void cpng_ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static inline void cpng_read_bytes(png_structp png, png_bytep out, size_t count) {
  cpng_reader *reader = (cpng_reader *)png_get_io_ptr(png);
  if (count > reader->length - reader->position) png_error(png, "read beyond end of data");
  memcpy(out, reader->bytes + reader->position, count);
  reader->position += count;
}

/// Reads what stands before the samples; 0 with a message when that fails. The bytes must outlive the reader.
static inline int cpng_open(cpng_reader *reader, const uint8_t *bytes, size_t length) {
  memset(reader, 0, sizeof *reader);
  reader->bytes = bytes;
  reader->length = length;
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, cpng_keep_error, cpng_ignore_warning);
  if (reader->png == NULL) {
    strcpy(reader->message, "out of memory");
    return 0;
  }
  if (setjmp(png_jmpbuf(reader->png))) return 0;
  reader->info = png_create_info_struct(reader->png);
  if (reader->info == NULL) png_error(reader->png, "out of memory");
  png_set_read_fn(reader->png, reader, cpng_read_bytes);
  png_read_info(reader->png, reader->info);
  png_set_expand(reader->png);
  png_set_strip_16(reader->png);
  png_set_gray_to_rgb(reader->png);
  png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
  reader->width = png_get_image_width(reader->png, reader->info);
  reader->height = png_get_image_height(reader->png, reader->info);
  reader->channels = png_get_channels(reader->png, reader->info);
  return 1;
}

/// Fills `samples`, `height · width · channels` bytes; 0 with a message when that fails.
static inline int cpng_read(cpng_reader *reader, uint8_t *samples) {
  png_bytepp rows = (png_bytepp)malloc(reader->height * sizeof(png_bytep));
  if (rows == NULL) {
    strcpy(reader->message, "out of memory");
    return 0;
  }
  size_t stride = (size_t)reader->width * (size_t)reader->channels;
  for (uint32_t y = 0; y < reader->height; y++) rows[y] = samples + y * stride;
  if (setjmp(png_jmpbuf(reader->png))) {
    free(rows);
    return 0;
  }
  png_read_image(reader->png, rows);
  png_read_end(reader->png, NULL);
  free(rows);
  return 1;
}

static inline void cpng_close(cpng_reader *reader) {
  if (reader->png != NULL) png_destroy_read_struct(&reader->png, &reader->info, NULL);
}
