#include "model/formats/huggingface.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/text.h"
#include "model/gelu.h"

#define HEAD_NAME "lm_head.weight"

/* Prefixes of GPT2LMHeadModel, torch.compile and DataParallel. */
static const char *const prefixes[] = {"transformer.", "_orig_mod.", "module.", NULL};

int huggingface_names(Safetensors *s, Err *err) { return safetensors_strip(s, prefixes, err); }

/* ---- sizes ---- */

static int matrix_shape(const Safetensors *s, const char *name, int64_t *rows, int64_t *cols,
                        Err *err) {
  const Tensor *t = safetensors_find(s, name);
  if (!t) return fail(err, "%s: not a GPT-2: it has no tensor %s", s->path, name);
  if (t->rank != 2 || t->count == 0)
    return fail(err, "%s: tensor %s must have two dimensions", s->path, name);
  *rows = t->shape[0];
  *cols = t->shape[1];
  return 0;
}

/* The file may contain the head too, if it equals the token embedding. */
static int head_is_tied(const Safetensors *s) {
  const Tensor *wte = safetensors_find(s, "wte.weight"), *head = safetensors_find(s, HEAD_NAME);
  return !head || (head->bytes == wte->bytes && head->dtype == wte->dtype &&
                   memcmp(head->data, wte->data, wte->bytes) == 0);
}

int huggingface_size(const Safetensors *s, ModelOptions *size, Err *err) {
  int64_t width = 0;
  *size = (ModelOptions){0};
  if (matrix_shape(s, "wte.weight", &size->V, &size->C, err) ||
      matrix_shape(s, "wpe.weight", &size->context, &width, err))
    return -1;
  if (width != size->C)
    return fail(err, "%s: wte.weight has %lld channels, wpe.weight %lld", s->path,
                (long long)size->C, (long long)width);
  for (;; size->L++) {
    char name[TENSOR_NAME];
    snprintf(name, sizeof name, "h.%lld.ln_1.weight", (long long)size->L);
    if (!safetensors_find(s, name)) break;
  }
  if (!safetensors_find(s, "h.0.ln_1.bias")) size->bias = BIAS_OFF;
  if (!head_is_tied(s)) size->head = HEAD_UNTIED;
  return size->L > 0 ? 0 : fail(err, "%s: not a GPT-2: it has no tensor h.0.ln_1.weight", s->path);
}

/* ---- config.json ---- */

static int config_size(const char *path, const Json *root, const char *key, int64_t *size,
                       Err *err) {
  int64_t n;
  const Json *value = json_member(root, key);
  if (json_int(value, 1, 100000000, &n))
    return fail(err, "%s: %s is %s; a positive whole number is needed", path, key,
                value ? "not valid" : "missing");
  if (*size != 0 && *size != n)
    return fail(err, "%s: %s is %lld, but the weights in model.safetensors have %lld", path, key,
                (long long)n, (long long)*size);
  *size = n;
  return 0;
}

static int config_word(const char *path, const Json *root, const char *key, const char *wanted,
                       Err *err) {
  const Json *value = json_member(root, key);
  if (!value || (value->type == JSON_STRING && strcmp(value->text, wanted) == 0)) return 0;
  return fail(err, "%s: %s is %.100s; only \"%s\" is supported", path, key,
              value->type == JSON_STRING ? value->text : "not a string", wanted);
}

/* The tanh approximation has several names; "gelu" is the exact function. */
static int config_gelu(const char *path, const Json *root, ModelOptions *size, Err *err) {
  static const char same[] = "gelu_new|gelu_pytorch_tanh|gelu_fast|gelu_accurate";
  const Json *value = json_member(root, "activation_function");
  if (!value || (value->type == JSON_STRING && word_index(same, value->text) >= 0)) return 0;
  if (value->type == JSON_STRING && strcmp(value->text, "gelu") == 0) {
    size->gelu = GELU_EXACT;
    return 0;
  }
  return fail(err, "%s: activation_function is %.100s; only gelu_new and gelu are supported", path,
              value->type == JSON_STRING ? value->text : "not a string");
}

/* Missing or null means 4 n_embd. */
static int config_inner(const char *path, const Json *root, int64_t C, Err *err) {
  int64_t n = 0;
  const Json *value = json_member(root, "n_inner");
  if (!value || value->type == JSON_NULL || (json_int(value, 1, INT64_MAX, &n) == 0 && n == 4 * C))
    return 0;
  return fail(err, "%s: n_inner is %lld; only 4 n_embd = %lld, or null, is supported", path,
              (long long)n, (long long)(4 * C));
}

static int config_epsilon(const char *path, const Json *root, Err *err) {
  const Json *value = json_member(root, "layer_norm_epsilon");
  double eps = value && value->type == JSON_NUMBER ? strtod(value->text, NULL) : 0;
  if (!value || fabs(eps - 1e-5) <= 1e-12) return 0;
  return fail(err, "%s: layer_norm_epsilon is %.40s; only 1e-5 is supported", path,
              value->type == JSON_NUMBER ? value->text : "not a number");
}

/* Variants of attention scaling that some published models use. */
static int config_flag(const char *path, const Json *root, const char *key, JsonType wanted,
                       Err *err) {
  const Json *value = json_member(root, key);
  if (!value || value->type == wanted) return 0;
  return fail(err, "%s: %s is not %s; other values are not supported", path, key,
              wanted == JSON_TRUE ? "true" : "false");
}

static int is_false(const Json *root, const char *key) {
  const Json *value = json_member(root, key);
  return value && value->type == JSON_FALSE;
}

/* transformers ignores a head in the file unless tie_word_embeddings is false. */
static int config_head(const char *path, const Json *root, ModelOptions *size, Err *err) {
  int untied = size->head == HEAD_UNTIED;
  if (is_false(root, "tie_word_embeddings")) size->head = HEAD_UNTIED;
  else if (untied)
    return fail(err, "%s: " HEAD_NAME " differs from wte.weight, but tie_word_embeddings is not "
                "false; correct it, or remove the tensor", path);
  return 0;
}

/* The dropout if it is the same everywhere, else 0: it does not change what the model computes. */
static double config_dropout(const Json *root) {
  static const char *const keys[] = {"embd_pdrop", "attn_pdrop", "resid_pdrop"};
  double rate[3];
  for (int i = 0; i < 3; i++) {
    const Json *value = json_member(root, keys[i]);
    rate[i] = value && value->type == JSON_NUMBER ? strtod(value->text, NULL) : 0;
  }
  return rate[0] == rate[1] && rate[1] == rate[2] && rate[0] >= 0 && rate[0] <= 0.9 ? rate[0] : 0;
}

int huggingface_config_read(const char *path, ModelOptions *size, Err *err) {
  char *text;
  size_t length;
  JsonDocument d;
  if (file_read(path, &text, &length, err)) return -1;
  int status = json_read(&d, path, text, length, err);
  free(text);
  if (status) return -1;
  const Json *root = d.root;
  status = config_word(path, root, "model_type", "gpt2", err) ||
           config_size(path, root, "n_layer", &size->L, err) ||
           config_size(path, root, "n_head", &size->NH, err) ||
           config_size(path, root, "n_embd", &size->C, err) ||
           config_size(path, root, "n_positions", &size->context, err) ||
           config_size(path, root, "vocab_size", &size->V, err) ||
           config_inner(path, root, size->C, err) || config_gelu(path, root, size, err) ||
           config_head(path, root, size, err) ||
           config_flag(path, root, "scale_attn_weights", JSON_TRUE, err) ||
           config_flag(path, root, "scale_attn_by_inverse_layer_idx", JSON_FALSE, err) ||
           config_epsilon(path, root, err);
  if (status == 0 && size->C % size->NH != 0)
    status = fail(err, "%s: n_head %lld does not divide n_embd %lld", path, (long long)size->NH,
                  (long long)size->C);
  if (is_false(root, "bias")) size->bias = BIAS_OFF; /* nanoGPT's name for it */
  size->dropout = config_dropout(root);
  json_free(&d);
  return status ? -1 : 0;
}

static void write_ends(FILE *out, int64_t eot) {
  if (eot < 0) fprintf(out, "  \"bos_token_id\": null,\n  \"eos_token_id\": null\n}\n");
  else fprintf(out, "  \"bos_token_id\": %lld,\n  \"eos_token_id\": %lld\n}\n", (long long)eot,
               (long long)eot);
}

static void write_options(FILE *out, const ModelOptions *m) {
  char rate[32] = "0.0";
  if (m->dropout > 0) snprintf(rate, sizeof rate, "%.10g", m->dropout);
  fprintf(out, "  \"activation_function\": \"%s\",\n  \"layer_norm_epsilon\": 1e-05,\n",
          m->gelu == GELU_EXACT ? "gelu" : "gelu_new");
  if (m->bias == BIAS_OFF) fprintf(out, "  \"bias\": false,\n");
  fprintf(out,
          "  \"tie_word_embeddings\": %s,\n  \"attn_pdrop\": %s,\n  \"embd_pdrop\": %s,\n"
          "  \"resid_pdrop\": %s,\n",
          m->head == HEAD_TIED ? "true" : "false", rate, rate, rate);
}

void huggingface_config_write(FILE *out, const ModelOptions *m, int64_t eot) {
  fprintf(out,
          "{\n  \"model_type\": \"gpt2\",\n  \"architectures\": [\"GPT2LMHeadModel\"],\n"
          "  \"n_layer\": %lld,\n  \"n_head\": %lld,\n  \"n_embd\": %lld,\n"
          "  \"n_positions\": %lld,\n  \"n_ctx\": %lld,\n  \"vocab_size\": %lld,\n",
          (long long)m->L, (long long)m->NH, (long long)m->C, (long long)m->context,
          (long long)m->context, (long long)m->V);
  write_options(out, m);
  write_ends(out, eot);
}

void huggingface_generation_write(FILE *out, int64_t eot) {
  fprintf(out, "{\n");
  write_ends(out, eot);
}

/* ---- loading ---- */

/* The matrices inside the blocks, and only these, are stored (in,out); ours are (out,in). */
static int is_transposed(const Param *p) { return p->role == ROLE_MATRIX; }

static int param_shape(const Param *p, int64_t shape[2]) {
  if (p->role == ROLE_VECTOR) {
    shape[0] = p->cols;
    return 1;
  }
  shape[0] = is_transposed(p) ? p->cols : p->rows;
  shape[1] = is_transposed(p) ? p->rows : p->cols;
  return 2;
}

/* The file may have more positions than the model. */
static int fits(const Param *p, const Tensor *t) {
  int64_t shape[2];
  if (t->rank != param_shape(p, shape)) return 0;
  if (p->role == ROLE_POSITION ? t->shape[0] < shape[0] : t->shape[0] != shape[0]) return 0;
  return t->rank == 1 || t->shape[1] == shape[1];
}

static void copy_param(Param *p, const Tensor *t, float *row) {
  int64_t rows = p->rows, cols = p->cols;
  int across = is_transposed(p);
  for (int64_t i = 0; i < (across ? cols : rows); i++) {
    int64_t n = across ? rows : cols;
    tensor_read(t, i * n, n, row);
    for (int64_t j = 0; j < n; j++) p->w[across ? j * cols + i : i * n + j] = row[j];
  }
}

enum { SHAPE_TEXT = 24 * TENSOR_RANK };

/* "(768, 2304)" */
static void show_shape(int rank, const int64_t *shape, char out[SHAPE_TEXT]) {
  int used = snprintf(out, SHAPE_TEXT, "(");
  for (int i = 0; i < rank; i++)
    used += snprintf(out + used, SHAPE_TEXT - (size_t)used, "%s%lld", i > 0 ? ", " : "",
                     (long long)shape[i]);
  snprintf(out + used, SHAPE_TEXT - (size_t)used, ")");
}

static int load_param(const Safetensors *s, Param *p, float *row, Err *err) {
  const Tensor *t = safetensors_find(s, p->name);
  if (!t && p->role == ROLE_HEAD) t = safetensors_find(s, "wte.weight"); /* it was tied */
  if (!t) return fail(err, "%s: tensor %s is missing", s->path, p->name);
  if (t->dtype == DTYPE_OTHER)
    return fail(err, "%s: tensor %s is not of type F64, F32, F16 or BF16", s->path, p->name);
  if (!fits(p, t)) {
    char got[SHAPE_TEXT], wanted[SHAPE_TEXT];
    int64_t shape[2];
    show_shape(param_shape(p, shape), shape, wanted);
    show_shape(t->rank, t->shape, got);
    return fail(err, "%s: tensor %s has the shape %s, not %s", s->path, p->name, got, wanted);
  }
  copy_param(p, t, row);
  return 0;
}

/* "h.3.attn.bias" and "h.3.attn.masked_bias" hold the causal mask, not weights. */
static int is_mask(const char *name) {
  return text_ends(name, ".attn.bias") || text_ends(name, ".attn.masked_bias");
}

static int is_zero(const Tensor *t) {
  for (size_t i = 0; i < t->bytes; i++)
    if (t->data[i]) return 0;
  return 1;
}

/* Tensors of the file that the model does not have: masks, a tied head, biases of zero. */
static int check_other(const GPT2 *m, const Safetensors *s, const Tensor *t, Err *err) {
  if (is_mask(t->name)) return 0;
  if (strcmp(t->name, HEAD_NAME) == 0) {
    if (head_is_tied(s)) return 0;
    return fail(err, "%s: " HEAD_NAME " differs from wte.weight; use --tie off", s->path);
  }
  for (int i = 0; i < m->place_count; i++) {
    if (strcmp(m->places[i].name, t->name) != 0) continue;
    if (is_zero(t)) return 0;
    return fail(err, "%s: %s is not zero; use --bias on", s->path, t->name);
  }
  return fail(err, "%s: unknown tensor %.100s for this GPT-2", s->path, t->name);
}

static int check_others(const GPT2 *m, const Safetensors *s, Err *err) {
  for (int64_t i = 0; i < s->count; i++) {
    const Tensor *t = &s->tensors[i];
    int known = 0;
    for (int64_t j = 0; j < m->param_count && !known; j++)
      known = strcmp(m->params[j].name, t->name) == 0;
    if (!known && check_other(m, s, t, err)) return -1;
  }
  return 0;
}

int huggingface_load(GPT2 *m, const Safetensors *s, Err *err) {
  float *row = malloc((size_t)(4 * m->size.C) * sizeof *row);
  if (!row) return fail(err, "%s: no memory for a row of weights", s->path);
  int status = 0;
  for (int i = 0; i < m->param_count && status == 0; i++)
    status = load_param(s, &m->params[i], row, err);
  free(row);
  return status ? -1 : check_others(m, s, err);
}

/* ---- saving ---- */

static void get_transposed(const void *from, int64_t at, int64_t n, float *out) {
  const Param *p = from;
  int64_t row = at / p->rows, col = at % p->rows; /* in the stored (cols, rows) */
  for (int64_t i = 0; i < n; i++) {
    out[i] = (float)p->w[col * p->cols + row];
    if (++col == p->rows) {
      col = 0;
      row++;
    }
  }
}

int huggingface_save(const GPT2 *m, const char *path, Dtype dtype, const Metadata *metadata,
                     Err *err) {
  TensorSource *tensors = calloc((size_t)m->place_count, sizeof *tensors);
  int count = 0;
  if (!tensors) return fail(err, "%s: no memory for a list of tensors", path);
  for (int i = 0; i < m->place_count; i++) { /* absent biases are zeros in the file */
    const Param *p = &m->places[i];
    if (p->role == ROLE_HEAD && !p->w) continue;
    TensorSource *t = &tensors[count++];
    snprintf(t->name, sizeof t->name, "%s", p->name);
    t->rank = param_shape(p, t->shape);
    t->get = is_transposed(p) ? get_transposed : numbers_of_param;
    t->from = p;
  }
  int status = safetensors_write(path, dtype, tensors, count, metadata, err);
  free(tensors);
  return status;
}
