#include "common/spec/body_parts.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

std::string BodyOf(size_t size) {
  std::string body(size, 'x');
  for (size_t i = 0; i < size; i += 1000) body[i] = static_cast<char>('a' + i / 1000 % 26);
  return body;
}

void AddAll(const std::string& id, const std::string& body, BodyCollector& bodies) {
  for (const v1::BodyPart& part : SplitBody(body)) {
    EXPECT_TRUE(CheckBodyPart(part).ok()) << CheckBodyPart(part);
    bodies.Add(id, part);
  }
}

TEST(BodyPartsTest, ABodyOfAnySizeIsPutTogetherAsItWas) {
  for (const size_t size : {size_t{1}, kBodyPartBytes, kBodyPartBytes + 1, kLargestBody}) {
    const std::string body = BodyOf(size);
    BodyCollector bodies;
    AddAll("t", body, bodies);
    EXPECT_TRUE(bodies.Take("t", size) == body) << size;
    EXPECT_EQ(bodies.Take("t", size), std::nullopt);
  }
}

TEST(BodyPartsTest, BodiesOfTwoTestsMayComeInTurns) {
  const std::string a = BodyOf(1'000'000);
  const std::string b = BodyOf(1'200'000);
  BodyCollector bodies;
  const auto parts_a = SplitBody(a);
  const auto parts_b = SplitBody(b);
  bodies.Add("a", parts_a[0]);
  bodies.Add("b", parts_b[0]);
  bodies.Add("a", parts_a[1]);
  bodies.Add("b", parts_b[1]);
  bodies.Add("b", parts_b[2]);
  EXPECT_TRUE(bodies.Take("a", a.size()) == a);
  EXPECT_TRUE(bodies.Take("b", b.size()) == b);
}

TEST(BodyPartsTest, WhatIsNotWholeIsNoBody) {
  const std::string body = BodyOf(1'500'000);
  const auto parts = SplitBody(body);
  BodyCollector bodies;
  bodies.Add("missing-end", parts[0]);
  bodies.Add("missing-end", parts[1]);
  EXPECT_EQ(bodies.Take("missing-end", body.size()), std::nullopt);
  bodies.Add("missing-middle", parts[0]);
  bodies.Add("missing-middle", parts[2]);
  EXPECT_EQ(bodies.Take("missing-middle", body.size()), std::nullopt);
  AddAll("wrong-size", body, bodies);
  EXPECT_EQ(bodies.Take("wrong-size", body.size() + 1), std::nullopt);
  EXPECT_EQ(bodies.Take("never-there", 1), std::nullopt);
}

TEST(BodyPartsTest, TheFirstPartBeginsAnew) {
  const std::string body = BodyOf(1'000'000);
  BodyCollector bodies;
  bodies.Add("t", SplitBody(BodyOf(2'000'000))[0]);
  AddAll("t", body, bodies);
  EXPECT_TRUE(bodies.Take("t", body.size()) == body);
}

TEST(BodyPartsTest, OnlyAFewAreKept) {
  BodyCollector bodies;
  for (const char* id : {"1", "2", "3", "4", "5"}) AddAll(id, "body", bodies);
  EXPECT_EQ(bodies.Take("1", 4), std::nullopt);
  EXPECT_EQ(bodies.Take("5", 4), "body");
}

TEST(BodyPartsTest, NonsenseIsNamed) {
  v1::BodyPart part;
  EXPECT_EQ(CheckBodyPart(part).message(), "body_part.parts: got 0, want 1 to 128");
  part.set_parts(3);
  part.set_index(3);
  EXPECT_EQ(CheckBodyPart(part).message(), "body_part.index: got 3, want 0 to 2");
  part.set_index(2);
  EXPECT_EQ(CheckBodyPart(part).message(), "body_part.data: got 0 bytes, want 1 to 524288");
}

}  // namespace
}  // namespace loadtest
