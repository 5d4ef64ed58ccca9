#include "pool/http/waiting_places.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <vector>

using namespace pool;

namespace {

const AddressPrefix visitor = *AddressPrefix::parse("192.0.2.1");
const AddressPrefix other = *AddressPrefix::parse("192.0.2.2");

}  // namespace

TEST_CASE("there are so many places, and so many of them for one client") {
  const auto places = std::make_shared<WaitingPlaces>(5, 2);
  std::vector<std::shared_ptr<void>> taken;
  for (int i = 0; i < 2; ++i) taken.push_back(places->take(visitor));
  CHECK_EQ(places->take(visitor), nullptr);
  for (int i = 0; i < 3; ++i) taken.push_back(places->take(std::nullopt));  // nobody who is limited
  for (const auto& place : taken) CHECK_NE(place, nullptr);
  CHECK_EQ(places->take(other), nullptr);
  CHECK_EQ(places->take(std::nullopt), nullptr);
  CHECK_EQ(places->taken(), 5);
}

TEST_CASE("a place is free when its last copy goes, and who has none is forgotten") {
  const auto places = std::make_shared<WaitingPlaces>(5, 1);
  auto place = places->take(visitor);
  auto copy = place;
  place.reset();
  CHECK_EQ(places->take(visitor), nullptr);
  CHECK_EQ(places->clients(), 1);
  copy.reset();
  CHECK_EQ(places->taken(), 0);
  CHECK_EQ(places->clients(), 0);
  CHECK_NE(places->take(visitor), nullptr);
}

TEST_CASE("a place outlives the book that it is in") {
  auto places = std::make_shared<WaitingPlaces>(1, 1);
  auto place = places->take(visitor);
  const std::weak_ptr<WaitingPlaces> book = places;
  places.reset();
  CHECK_FALSE(book.expired());
  place.reset();
  CHECK(book.expired());
}
