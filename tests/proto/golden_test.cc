// The protos are a contract with programs in other languages and with records already written. This
// test keeps it:
//   golden/schema.txt    every field ever published: message, number, name, type. A line may be
//   added, never changed or removed. golden/*.hex          a message with every field set, as bytes
//   of the first version: it must still be read, field by field.
// UPDATE_GOLDEN=1 adds what is new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "loadtest/v1/bus.pb.h"
#include "loadtest/v1/config.pb.h"
#include "loadtest/v1/service.pb.h"

namespace loadtest {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::Message;

const std::vector<const FileDescriptor*>& Files() {
  static const auto* const files = new std::vector<const FileDescriptor*>{
      v1::Histogram::descriptor()->file(), v1::LoadTest::descriptor()->file(),
      v1::Trigger::descriptor()->file(), v1::CreateLoadTestRequest::descriptor()->file(),
      v1::Config::descriptor()->file()};
  return *files;
}

std::string TypeOf(const FieldDescriptor& field) {
  std::string type = field.is_map() ? "map" : field.is_repeated() ? "repeated " : "";
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
    return type + field.message_type()->full_name();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM)
    return type + field.enum_type()->full_name();
  return type + field.type_name();
}

void AddEnum(const EnumDescriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.value_count(); ++i)
    lines.insert("enum " + type.full_name() + " " + std::to_string(type.value(i)->number()) + " " +
                 type.value(i)->name());
}

void AddMessage(const Descriptor& type, std::set<std::string>& lines) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    lines.insert("field " + type.full_name() + " " + std::to_string(field.number()) + " " +
                 field.name() + " " + TypeOf(field));
  }
  for (int i = 0; i < type.nested_type_count(); ++i) AddMessage(*type.nested_type(i), lines);
  for (int i = 0; i < type.enum_type_count(); ++i) AddEnum(*type.enum_type(i), lines);
}

std::set<std::string> SchemaNow() {
  std::set<std::string> lines;
  for (const FileDescriptor* file : Files()) {
    for (int i = 0; i < file->message_type_count(); ++i) AddMessage(*file->message_type(i), lines);
    for (int i = 0; i < file->enum_type_count(); ++i) AddEnum(*file->enum_type(i), lines);
    for (int i = 0; i < file->service_count(); ++i) {
      const auto& service = *file->service(i);
      for (int j = 0; j < service.method_count(); ++j) {
        const auto& method = *service.method(j);
        lines.insert("method " + service.full_name() + "." + method.name() + "(" +
                     method.input_type()->full_name() + ") returns (" +
                     (method.server_streaming() ? "stream " : "") +
                     method.output_type()->full_name() + ")");
      }
    }
  }
  return lines;
}

std::string GoldenPath(const std::string& name) { return std::string(GOLDEN_DIR) + "/" + name; }

bool Updating() { return std::getenv("UPDATE_GOLDEN") != nullptr; }

TEST(GoldenTest, NoFieldWasRenumberedRetypedRenamedOrRemoved) {
  std::set<std::string> golden;
  {
    std::ifstream in(GoldenPath("schema.txt"));
    for (std::string line; std::getline(in, line);) golden.insert(line);
  }
  const std::set<std::string> now = SchemaNow();
  for (const std::string& line : golden)
    EXPECT_TRUE(now.contains(line)) << "the contract had: " << line;
  if (Updating()) {
    std::ofstream out(GoldenPath("schema.txt"));
    for (const std::string& line : now) out << line << "\n";
    return;
  }
  for (const std::string& line : now)
    EXPECT_TRUE(golden.contains(line)) << "new, run this test with UPDATE_GOLDEN=1: " << line;
}

// Sets every field to a value that its number makes distinct; lists have two entries.
void Fill(Message& message, int depth) {
  const Descriptor& type = *message.GetDescriptor();
  const google::protobuf::Reflection& r = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* f = type.field(i);
    if (f->real_containing_oneof() != nullptr && f->real_containing_oneof()->field(0) != f)
      continue;
    const int n = f->number();
    for (int times = f->is_repeated() ? 2 : 1; times > 0; --times) {
      const std::string text =
          "v" + std::to_string(n) + (f->is_repeated() ? std::to_string(times) : "");
      switch (f->cpp_type()) {
        case FieldDescriptor::CPPTYPE_STRING:
          f->is_repeated() ? r.AddString(&message, f, text) : r.SetString(&message, f, text);
          break;
        case FieldDescriptor::CPPTYPE_INT32:
          r.SetInt32(&message, f, 1000 + n);
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          r.SetInt64(&message, f, (int64_t{1} << 40) + n);
          break;
        case FieldDescriptor::CPPTYPE_UINT32:
          f->is_repeated() ? r.AddUInt32(&message, f, 70'000 + n + times)
                           : r.SetUInt32(&message, f, n);
          break;
        case FieldDescriptor::CPPTYPE_UINT64:
          f->is_repeated() ? r.AddUInt64(&message, f, (uint64_t{1} << 33) + n + times)
                           : r.SetUInt64(&message, f, n);
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          r.SetDouble(&message, f, n + 0.5);
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          r.SetBool(&message, f, true);
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          r.SetEnumValue(&message, f, 1);
          break;
        case FieldDescriptor::CPPTYPE_MESSAGE:
          if (f->is_map() && times == 2) break;  // one entry: the order of several is not defined
          if (depth < 4)
            Fill(f->is_repeated() ? *r.AddMessage(&message, f) : *r.MutableMessage(&message, f),
                 depth + 1);
          break;
        case FieldDescriptor::CPPTYPE_FLOAT:
          r.SetFloat(&message, f, n + 0.5f);
          break;
      }
    }
  }
}

std::string Hex(const std::string& bytes) {
  std::string out;
  for (size_t i = 0; i < bytes.size(); ++i) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(bytes[i]));
    out += two;
    if (i % 60 == 59) out += '\n';
  }
  return out + "\n";
}

std::string FromHex(const std::string& text) {
  std::string digits;
  for (const char c : text) {
    if (c != '\n') digits += c;
  }
  std::string out;
  for (size_t i = 0; i + 1 < digits.size(); i += 2)
    out += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  return out;
}

template <typename T>
class GoldenBytesTest : public testing::Test {};
using RecordTypes = testing::Types<v1::DriverRegistration, v1::DriverHeartbeat, v1::Trigger,
                                   v1::MetricsReport, v1::Report, v1::LoadTestUpdate>;
TYPED_TEST_SUITE(GoldenBytesTest, RecordTypes);

TYPED_TEST(GoldenBytesTest, BytesOfTheFirstVersionAreStillRead) {
  const std::string path = GoldenPath(TypeParam::descriptor()->name() + ".hex");
  std::ifstream in(path);
  if (!in && Updating()) {
    TypeParam filled;
    Fill(filled, 0);
    std::ofstream(path) << Hex(filled.SerializeAsString());
    return;
  }
  std::ostringstream text;
  text << in.rdbuf();
  TypeParam read;
  ASSERT_TRUE(read.ParseFromString(FromHex(text.str())));
  EXPECT_TRUE(read.GetReflection()->GetUnknownFields(read).empty())
      << "a field of the first version is not known any more";
  // What this version does not have in the golden bytes is newer; what the golden bytes have must
  // come back unchanged.
  EXPECT_EQ(Hex(read.SerializeAsString()), text.str());
}

}  // namespace
}  // namespace loadtest
