/* Gives texts to an exported model, one for each input, through TensorFlow's C API alone.
 *
 *   call_model SAVED_MODEL_FOLDER INPUT=TEXT ... OUTPUT ...
 *
 * prints a line for each output of `serving_default` that is named: its name and its values, parted by tabs.
 *
 * The names of the graph's tensors stand in the signature, a protocol buffer. It is read here by hand, for the C API has no
 * reader of it: a message is a row of fields, each a key (number of the field, type) and a value.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tensorflow/c/c_api.h"

/* Numbers of fields, from meta_graph.proto. A map is a repeated message with the key in field 1, the value in 2. */
enum { META_GRAPH_SIGNATURES = 5, SIGNATURE_INPUTS = 1, SIGNATURE_OUTPUTS = 2, TENSOR_NAME = 1, MAP_KEY = 1, MAP_VALUE = 2 };

typedef struct {
  const uint8_t* begin;
  const uint8_t* end;
} Message;

static void fail(const char* what, const char* detail) {
  fprintf(stderr, "call_model: %s: %s\n", what, detail);
  exit(2);
}

static void check(TF_Status* status, const char* what) {
  if (TF_GetCode(status) != TF_OK) fail(what, TF_Message(status));
}

static uint64_t read_varint(Message* message) {
  uint64_t value = 0;
  for (int shift = 0; message->begin < message->end && shift < 64; shift += 7) {
    uint8_t byte = *message->begin++;
    value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return value;
  }
  fail("signature", "damaged number");
  return 0;
}

/* The next field: its number, and its content when it is a string or a message. 0 at the end. */
static uint64_t next_field(Message* message, Message* content) {
  if (message->begin >= message->end) return 0;
  uint64_t key = read_varint(message), length = 0;
  switch (key & 7) {
    case 0:
      read_varint(message);
      break;
    case 1:
      length = 8;
      break;
    case 2:
      length = read_varint(message);
      break;
    case 5:
      length = 4;
      break;
    default:
      fail("signature", "unknown type of field");
  }
  if (length > (uint64_t)(message->end - message->begin)) fail("signature", "cut off");
  content->begin = message->begin;
  content->end = message->begin += length;
  return key >> 3;
}

static Message find_field(Message message, uint64_t wanted) {
  Message content = {NULL, NULL};
  for (uint64_t field; (field = next_field(&message, &content)) != 0;) {
    if (field == wanted) return content;
  }
  return (Message){NULL, NULL};
}

static Message find_in_map(Message message, uint64_t map, const char* key) {
  Message entry;
  for (uint64_t field; (field = next_field(&message, &entry)) != 0;) {
    if (field != map) continue;
    Message name = find_field(entry, MAP_KEY);
    size_t length = (size_t)(name.end - name.begin);
    if (length == strlen(key) && memcmp(name.begin, key, length) == 0) return find_field(entry, MAP_VALUE);
  }
  fail("the signature lacks", key);
  return entry;
}

/* "StatefulPartitionedCall:2" -> that operation's output 2. */
static TF_Output find_tensor(TF_Graph* graph, Message signature, uint64_t map, const char* key) {
  Message name = find_field(find_in_map(signature, map, key), TENSOR_NAME);
  char text[256];
  snprintf(text, sizeof text, "%.*s", (int)(name.end - name.begin), (const char*)name.begin);
  char* colon = strrchr(text, ':');
  if (colon == NULL) fail("no tensor", text);
  *colon = '\0';
  TF_Output tensor = {TF_GraphOperationByName(graph, text), atoi(colon + 1)};
  if (tensor.oper == NULL) fail("the graph lacks", text);
  return tensor;
}

static void free_string(void* data, size_t length, void* argument) {
  (void)length, (void)argument;
  TF_StringDealloc(data);
  free(data);
}

static TF_Tensor* make_text(const char* text) {
  const int64_t shape[] = {1};
  TF_TString* string = malloc(sizeof *string);
  TF_StringInit(string);
  TF_StringCopy(string, text, strlen(text));
  return TF_NewTensor(TF_STRING, shape, 1, string, sizeof *string, free_string, NULL);
}

static void print_value(TF_Tensor* tensor, int64_t position) {
  const void* data = TF_TensorData(tensor);
  switch (TF_TensorType(tensor)) {
    case TF_STRING: {
      const TF_TString* string = (const TF_TString*)data + position;
      fwrite(TF_StringGetDataPointer(string), 1, TF_StringGetSize(string), stdout);
      break;
    }
    case TF_INT32:
      printf("%" PRId32, ((const int32_t*)data)[position]);
      break;
    case TF_BOOL:
      putchar(((const uint8_t*)data)[position] ? '1' : '0');
      break;
    case TF_FLOAT:
      printf("%.9g", ((const float*)data)[position]);
      break;
    default:
      fail("cannot print", "a tensor of this type");
  }
}

int main(int argc, char** argv) {
  enum { MOST = 8 };
  int num_inputs = 0;
  while (2 + num_inputs < argc && strchr(argv[2 + num_inputs], '=') != NULL) ++num_inputs;
  char** output_names = argv + 2 + num_inputs;
  int num_outputs = argc - 2 - num_inputs;
  if (num_inputs < 1 || num_inputs > MOST || num_outputs < 1 || num_outputs > MOST) {
    fail("usage", "call_model SAVED_MODEL_FOLDER INPUT=TEXT ... OUTPUT ...");
  }
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  TF_Buffer* meta_graph = TF_NewBuffer();
  const char* tags[] = {"serve"};
  TF_Session* session =
      TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, meta_graph, status);
  check(status, "cannot load");

  const uint8_t* data = meta_graph->data;
  Message signature =
      find_in_map((Message){data, data + meta_graph->length}, META_GRAPH_SIGNATURES, "serving_default");
  TF_Output inputs[MOST], outputs[MOST];
  TF_Tensor *texts[MOST], *results[MOST];
  for (int i = 0; i < num_inputs; ++i) {
    char* equals = strchr(argv[2 + i], '=');
    texts[i] = make_text(equals + 1);
    *equals = '\0';
    inputs[i] = find_tensor(graph, signature, SIGNATURE_INPUTS, argv[2 + i]);
  }
  for (int i = 0; i < num_outputs; ++i) outputs[i] = find_tensor(graph, signature, SIGNATURE_OUTPUTS, output_names[i]);

  TF_SessionRun(session, NULL, inputs, texts, num_inputs, outputs, results, num_outputs, NULL, 0, NULL, status);
  check(status, "cannot run");

  for (int i = 0; i < num_outputs; ++i) {
    fputs(output_names[i], stdout);
    for (int64_t position = 0; position < TF_TensorElementCount(results[i]); ++position) {
      putchar('\t');
      print_value(results[i], position);
    }
    putchar('\n');
    TF_DeleteTensor(results[i]);
  }

  for (int i = 0; i < num_inputs; ++i) TF_DeleteTensor(texts[i]);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteBuffer(meta_graph);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
