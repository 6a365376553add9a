// Params from JSON and JSON from results: each type, and how it fails.
#include <capnp/compat/json.h>
#include <capnp/dynamic.h>
#include <capnp/message.h>
#include <capnp/schema.h>

#include <string>
#include <utility>

#include "bakery.capnp.h"
#include "corners/corners.capnp.h"
#include "drover/dynamic/json_params.h"
#include "drover/dynamic/json_results.h"
#include "drover/object/fields_internal.h"
#include "everything.capnp.h"
#include "gtest/gtest.h"

namespace drover::dynamic {
namespace {

template <class T>
absl::Status Read(const std::string& json, capnp::MessageBuilder& message) {
  return object::CatchCodecErrors([&] {
    ReadParams(json, capnp::Schema::from<T>(), {}, message.getRoot<capnp::AnyPointer>());
  });
}
template <class T>
std::string Written(capnp::MessageBuilder& message) {
  return WriteResults(message.getRoot<capnp::AnyPointer>().asReader(), capnp::Schema::from<T>())
      .json;
}

// What JSON comes to, as a message and back.
template <class T>
std::string Again(const std::string& json) {
  capnp::MallocMessageBuilder message;
  const absl::Status read = Read<T>(json, message);
  return read.ok() ? Written<T>(message) : read.ToString();
}
// Why JSON is no T.
template <class T>
std::string ErrorOf(const std::string& json) {
  capnp::MallocMessageBuilder message;
  const absl::Status read = Read<T>(json, message);
  EXPECT_EQ(read.code(), absl::StatusCode::kInvalidArgument) << json << " " << read;
  return std::string(read.message());
}

using capnp_everything::Car;
using capnp_everything::Defaults;
using capnp_everything::Lists;
using capnp_everything::Scalars;
using capnp_everything::Shape;
using Wheels = capnp_everything::Store::PaintParams;

TEST(Json, OfScalarsIsThatOfTheirTypes) {
  const std::string json =
      R"({"nothing":null,"flag":true,"i8":-128,"i16":-32768,"i32":-2147483648,)"
      R"("i64":"-9223372036854775808","u8":255,"u16":65535,"u32":4294967295,)"
      R"("u64":"18446744073709551615","f32":0.1,"f64":-1e+300,"text":"a \"b\" \n\u0001é",)"
      R"("data":[0,255,7],"color":"darkBlue"})";
  EXPECT_EQ(Again<Scalars>(json), json);
}

TEST(Json, OfWhatIsNotSetIsItsDefault) {
  EXPECT_EQ(Again<Scalars>("{}"),
            R"({"nothing":null,"flag":false,"i8":0,"i16":0,"i32":0,"i64":"0","u8":0,"u16":0,)"
            R"("u32":0,"u64":"0","f32":0,"f64":0,"text":"","data":[],"color":"red"})");
  EXPECT_EQ(Again<Defaults>("{}"),
            R"({"flag":true,"i8":-128,"i16":-300,"i32":-2147483648,"i64":"-9223372036854775808",)"
            R"("u8":255,"u16":65535,"u32":4294967295,"u64":"18446744073709551615","f32":1.5,)"
            R"("f64":-2,"infinite":"Infinity","notANumber":"NaN",)"
            R"("text":"a \"quoted\"\nline\t\u0001é","data":[0,255,127],"color":"darkBlue",)"
            R"("numbers":[1,-2,3],"flags":[true,false],"words":["one","","three"],)"
            R"("wheel":{"inches":19,"tread":"winter"},)"
            R"("wheels":[{"inches":1,"tread":"summer"},{"inches":17,"tread":"summer"}],)"
            R"("shape":{"scale":2,"square":{"side":3}},)"
            R"("grid":[["red"],[],["darkBlue","delete"]]})");
}

TEST(Json, OfListsIsThatOfTheirElements) {
  const std::string json =
      R"({"nothings":[null,null],"flags":[true,false],"bytes":[1,2],"doubles":[0.5,"NaN"],)"
      R"("texts":["x",""],"blobs":[[1],[]],"colors":["delete"],)"
      R"("wheels":[{"inches":3,"tread":"winter"}],"cube":[[[1],[]],[]],"bits":[[true]],)"
      R"("names":[["y"]],"lots":[[{"inches":17,"tread":"summer"}],[]]})";
  EXPECT_EQ(Again<Lists>(json), json);
}

TEST(Json, OfUnionsHasTheAlternativeThatIsSet) {
  for (const char* shape :
       {R"({"scale":1,"circle":2.5})", R"({"scale":1,"none":null})",
        R"({"scale":1,"square":{"side":4}})", R"({"scale":1,"label":"x"})",
        R"({"scale":1,"pixels":[9]})", R"({"scale":1,"parts":[{"scale":1,"none":null}]})",
        R"({"scale":1,"mirrored":{"scale":3,"ellipse":1}})", R"({"scale":1,"mirrored":null})",
        R"({"scale":1,"grid":[[1]]})"}) {
    EXPECT_EQ(Again<Shape>(shape), shape);
  }
  EXPECT_EQ(Again<Shape>("{}"), R"({"scale":1,"circle":1})");
  EXPECT_EQ(ErrorOf<Shape>(R"({"circle": 1, "none": null})"),
            "field none: is another alternative of the union that circle is one of");
}

TEST(Json, OfGroupsIsThatOfStructs) {
  const std::string json =
      R"({"engine":null,"owner":{"name":"me","address":{"street":"","number":1}},)"
      R"("state":{"driving":{"speed":2.5,"passengers":["you"]}}})";
  EXPECT_EQ(Again<Car>(json), json);
}

TEST(Json, OfWhatOnlyANewerSchemaKnowsIsANumberOrNothing) {
  EXPECT_EQ(Again<Wheels>(R"({"wheels": [{"tread": 7}]})"),
            R"({"shape":null,"wheels":[{"inches":17,"tread":7}],"flags":[]})");
  capnp::MallocMessageBuilder message;
  ASSERT_EQ(Read<Shape>("{}", message), absl::OkStatus());
  const auto schema = capnp::Schema::from<Shape>().getProto().getStruct();
  object::SetDiscriminant(message.getRoot<Shape>(), schema.getDiscriminantOffset(), 99);
  EXPECT_EQ(Written<Shape>(message), R"({"scale":1})");
}

// The mapping is Cap'n Proto's: its codec reads what we write, and we read what it writes.
template <class T>
void ExpectAsJsonCodec(typename T::Reader value) {
  capnp::MallocMessageBuilder original;
  original.setRoot(value);
  const std::string ours = Written<T>(original);
  capnp::JsonCodec codec;
  capnp::MallocMessageBuilder theirs;
  codec.decode(kj::arrayPtr(ours.data(), ours.size()), theirs.initRoot<T>());
  EXPECT_EQ(Written<T>(theirs), ours);
  const kj::String text = codec.encode(value);
  capnp::MallocMessageBuilder read;
  ASSERT_EQ(Read<T>(std::string(text.begin(), text.size()), read), absl::OkStatus());
  EXPECT_EQ(Written<T>(read), ours) << text.cStr();
}

TEST(Json, IsThatOfCapnProtosCodec) {
  ExpectAsJsonCodec<Car>(*capnp_everything::CART);
  capnp::MallocMessageBuilder lists;
  ASSERT_EQ(Read<Lists>(R"({"nothings": [null], "flags": [true], "bytes": [200], "doubles": [1e-9],
                            "texts": ["é\t"], "blobs": [[1, 2]], "colors": ["darkBlue"],
                            "wheels": [{"inches": 3}], "cube": [[[-1]]], "bits": [[false, true]],
                            "names": [["n"]], "lots": [[{}, {"tread": "winter"}]]})",
                        lists),
            absl::OkStatus());
  ExpectAsJsonCodec<Lists>(lists.getRoot<Lists>());
  capnp::MallocMessageBuilder scalars;
  ASSERT_EQ(Read<Scalars>(R"({"i64": "-9223372036854775808", "u64": "18446744073709551615",
                              "f32": "Infinity", "f64": 0.1, "text": "t", "data": [0],
                              "color": "delete", "flag": true, "i8": -1, "u32": 7})",
                          scalars),
            absl::OkStatus());
  ExpectAsJsonCodec<Scalars>(scalars.getRoot<Scalars>());
}

TEST(Json, OfLongIntegersIsExact) {
  const auto u64 = [](const std::string& json) {
    return Again<capnp_everything::Store::GetResults>("{\"version\": " + json + "}");
  };
  EXPECT_EQ(u64("9007199254740993"), R"({"value":[],"version":"9007199254740993"})");
  EXPECT_EQ(u64(R"("9007199254740993")"), R"({"value":[],"version":"9007199254740993"})");
  EXPECT_EQ(u64("18446744073709551615"), R"({"value":[],"version":"18446744073709551615"})");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u64": 18446744073709551616})"),
            "field u64: 18446744073709551616 is out of the range of UInt64");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u64": "18446744073709551616"})"),
            "field u64: 18446744073709551616 is out of the range of UInt64");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u64": "-1"})"), "field u64: -1 is out of the range of UInt64");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i64": -9223372036854775809})"),
            "field i64: -9223372036854775809 is out of the range of Int64");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i64": "12x"})"), "field i64: \"12x\" is not an integer");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i64": ""})"), "field i64: \"\" is not an integer");
}

TEST(Json, OfIntegersMayHaveAFractionAndAnExponentThatComeToOne) {
  EXPECT_NE(Again<Scalars>(R"({"i8": 1.0e2, "u32": 4.2e9, "u64": 1e3, "i16": -0})")
                .find(R"("i8":100,"i16":0,"i32":0,"i64":"0","u8":0,"u16":0,"u32":4200000000,)"
                      R"("u64":"1000")"),
            std::string::npos);
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": 1e-1})"), "field i8: 1e-1 is not an integer");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u64": 1e20})"), "field u64: 1e20 is out of the range of UInt64");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u64": "1e999"})"),
            "field u64: 1e999 is out of the range of UInt64");
}

TEST(Json, OfAnotherTypeNamesTheField) {
  EXPECT_EQ(ErrorOf<Scalars>("[]"), "the arguments: expected an object, got a list");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"nothing": 0})"), "field nothing: expected null, got a number");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"flag": 1})"), "field flag: expected a boolean, got a number");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": "1"})"), "field i8: expected a number, got a string");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": null})"), "field i8: expected a number, got null");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": 1.5})"), "field i8: 1.5 is not an integer");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"f32": "x"})"),
            "field f32: expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", got a string");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"text": true})"), "field text: expected a string, got a boolean");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"data": "x"})"), "field data: expected a list, got a string");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"data": [1, 256]})"),
            "field data[1]: 256 is out of the range of a byte");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"color": "blue"})"),
            "field color: \"blue\" is none of red, darkBlue, delete");
  EXPECT_EQ(ErrorOf<Lists>(R"({"cube": [[[1], 2]]})"),
            "field cube[0][1]: expected a list, got a number");
  EXPECT_EQ(ErrorOf<Lists>(R"({"wheels": [{}, {"inches": {}}]})"),
            "field wheels[1].inches: expected a number, got an object");
  EXPECT_EQ(ErrorOf<Car>(R"({"owner": {"address": 1}})"),
            "field owner.address: expected an object, got a number");
}

TEST(Json, OutOfRangeNamesTheRange) {
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": 128})"), "field i8: 128 is out of the range of Int8");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": -129})"), "field i8: -129 is out of the range of Int8");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u16": 65536})"),
            "field u16: 65536 is out of the range of UInt16");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"u32": -1})"), "field u32: -1 is out of the range of UInt32");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"f32": 1e39})"), "field f32: 1e39 is out of the range of Float32");
  EXPECT_EQ(ErrorOf<Scalars>(R"({"f64": 1e999})"),
            "the arguments are malformed JSON: number overflow parsing '1e999', at byte 13");
}

TEST(Json, OfUnknownFieldsListsThoseThatAreThere) {
  EXPECT_EQ(ErrorOf<Wheels>(R"({"wheels": [{"spokes": 3}]})"),
            "field wheels[0]: there is no field \"spokes\"; there is inches, tread");
  EXPECT_EQ(ErrorOf<capnp_everything::Empty>(R"({"a": 1})"),
            "the arguments: there is no field \"a\"; there is none");
}

TEST(Json, OfZeroHasItsSign) {
  EXPECT_NE(Again<Scalars>(R"({"f32": -0, "f64": -0.0})").find(R"("f32":-0,"f64":-0,)"),
            std::string::npos);
}

TEST(Json, OfTextThatIsNoUtf8HasAReplacement) {
  capnp::MallocMessageBuilder message;
  message.initRoot<Scalars>().setText("a\xff");
  EXPECT_NE(Written<Scalars>(message).find("\"text\":\"a\ufffd\""), std::string::npos);
}

TEST(Json, WithAFieldTwiceIsRefused) {
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": 1, "i8": 2})"), "field i8: is given twice");
}

TEST(Json, ThatIsMalformedIsRefused) {
  EXPECT_EQ(ErrorOf<Scalars>(R"({"i8": 1)"),
            "the arguments are malformed JSON: parse error at line 1, column 9: syntax error while "
            "parsing object - unexpected end of input; expected '}'");
}

TEST(Json, OfAMessageThatIsReadOverAndOverEnds) {
  // A list of 2^29 - 1 elements that take no space.
  capnp::MallocMessageBuilder message;
  message.initRoot<Lists>().initNothings((1u << 29) - 1);
  EXPECT_EQ(object::CatchCodecErrors([&] { Written<Lists>(message); }).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(Json, OfVoidAndEmptyStructsIsTaken) {
  EXPECT_EQ(Again<capnp_corners::Voids>(R"({"e": {"f": null}, "b": {}})"),
            R"({"a":null,"b":{"c":null},"e":{"f":null,"g":null}})");
  EXPECT_EQ(Again<capnp_everything::Empty>("{}"), "{}");
}

}  // namespace
}  // namespace drover::dynamic
