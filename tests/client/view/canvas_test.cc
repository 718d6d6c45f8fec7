#include "client/view/canvas.h"

#include <gtest/gtest.h>

#include "client/view/characters.h"

namespace loadtest {
namespace {

TEST(Canvas, WhatDoesNotFitIsCutAtTheEdge) {
  Canvas canvas(5, 2);
  canvas.Put(0, 3, "abc");
  canvas.Put(1, -1, "xyz");
  canvas.Put(2, 0, "below");
  EXPECT_EQ(canvas.Plain(0), "   ab");
  EXPECT_EQ(canvas.Plain(1), "yz");
}

TEST(Canvas, PutTellsWhereTheTextEnds) {
  Canvas canvas(10, 1);
  EXPECT_EQ(canvas.Put(0, 2, "é—x"), 5);
  EXPECT_EQ(canvas.Plain(0), "  é—x");
}

TEST(Canvas, TextCanEndWhereItIsTold) {
  Canvas canvas(8, 1);
  canvas.PutRight(0, 8, "é1");
  EXPECT_EQ(canvas.Plain(0), "      é1");
  EXPECT_EQ(canvas.ColumnsUsed(0), 8);
}

TEST(Canvas, NothingThatATerminalObeysGetsThrough) {
  Canvas canvas(20, 1);
  canvas.Put(0, 0, "a\x1b[2J\n\xc2\x9b\xff\xe2\x80\xae");
  EXPECT_EQ(canvas.Plain(0), "a?[2J????");
}

TEST(Canvas, WideCharactersTakeTwoColumnsAndMarksNone) {
  Canvas canvas(6, 1);
  EXPECT_EQ(canvas.Put(0, 0, "日本"), 4);
  EXPECT_EQ(canvas.Put(0, 4, "e\xcc\x81|"), 6);
  EXPECT_EQ(canvas.Plain(0), "日本e\xcc\x81|");
  EXPECT_EQ(ColumnsOf("日本e\xcc\x81|"), 6);
}

TEST(Canvas, InkIsSwitchedOnAndOffAroundItsText) {
  Canvas canvas(10, 1);
  canvas.Put(0, 0, "a");
  canvas.Put(0, 1, "bc", Ink::kBad);
  canvas.Put(0, 3, "d");
  EXPECT_EQ(canvas.Styled(0, /*colors=*/true), "a\x1b[1;31mbc\x1b[0md");
}

TEST(Canvas, WithoutColoursThereIsOnlyBoldAndFaint) {
  Canvas canvas(10, 1);
  canvas.Put(0, 0, "a", Ink::kBad);
  canvas.Put(0, 1, "b", Ink::kRate);
  canvas.Put(0, 2, "c", Ink::kFaint);
  EXPECT_EQ(canvas.Styled(0, /*colors=*/false), "\x1b[1ma\x1b[0mb\x1b[0m\x1b[2mc\x1b[0m");
}

}  // namespace
}  // namespace loadtest
