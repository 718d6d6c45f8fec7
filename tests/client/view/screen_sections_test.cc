#include "client/view/screen_sections.h"

#include <gtest/gtest.h>

#include <string>

namespace loadtest {
namespace {

class Sections : public testing::Test {
 protected:
  Section Make(const std::string& name, Section section) {
    section.draw = [this, name](int row, int rows) {
      drawn_ += name + "@" + std::to_string(row) + "+" + std::to_string(rows) + " ";
    };
    return section;
  }
  std::string Draw(const std::vector<Section>& sections, int rows) {
    drawn_.clear();
    DrawSections(sections, rows);
    return drawn_;
  }

 private:
  std::string drawn_;
};

TEST_F(Sections, AreApartWhenThereIsRoom) {
  const std::vector<Section> sections = {Make("a", {.priority = 0}), Make("b", {.priority = 1})};
  EXPECT_EQ(Draw(sections, 3), "a@0+1 b@2+1 ");
  EXPECT_EQ(Draw(sections, 2), "a@0+1 b@1+1 ");
}

TEST_F(Sections, TheLeastImportantIsLeftOutFirst) {
  const std::vector<Section> sections = {
      Make("a", {.least = 2, .good = 2, .most = 2, .priority = 1}), Make("b", {.priority = 0})};
  EXPECT_EQ(Draw(sections, 2), "b@0+1 ");
  EXPECT_EQ(Draw(sections, 3), "a@0+2 b@2+1 ");
  EXPECT_EQ(Draw(sections, 0), "");
  EXPECT_EQ(Draw(sections, -5), "");
}

TEST_F(Sections, GrowToWhatIsGoodBeforeTheyAreApart) {
  const std::vector<Section> sections = {Make("a", {.good = 3, .most = 3, .priority = 0}),
                                         Make("b", {.priority = 1})};
  EXPECT_EQ(Draw(sections, 4), "a@0+3 b@3+1 ");
  EXPECT_EQ(Draw(sections, 5), "a@0+3 b@4+1 ");
}

TEST_F(Sections, WhatIsLeftGoesToTheLastOnes) {
  const std::vector<Section> sections = {Make("a", {.most = 9, .priority = 0}),
                                         Make("b", {.most = 3, .priority = 1})};
  EXPECT_EQ(Draw(sections, 7), "a@0+3 b@4+3 ");
}

}  // namespace
}  // namespace loadtest
