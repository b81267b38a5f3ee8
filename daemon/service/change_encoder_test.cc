#include "daemon/service/change_encoder.h"

#include <memory>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

registry::Phy Phy() {
  registry::Phy phy;
  phy.facts.key.owner.host = HostKey(SasAddress(0x500605b00ab01230));
  phy.facts.key.owner.address = SasAddress(0x5000ccab0300113f);
  phy.facts.key.phy = PhyId(3);
  phy.facts.attached = SasAddress(0x5000c500a7b26111);
  phy.facts.negotiated = LinkRate::k12Gbps;
  phy.sources.Add(Source::kFirmware);
  phy.stamp.revision = 7;
  return phy;
}

template <typename Resource>
registry::ResourceRef Ref(Resource resource) {
  return std::make_shared<const Resource>(std::move(resource));
}

sas::v1::Change Encoded(registry::ResourceRef before, registry::ResourceRef after) {
  registry::Change change;
  change.before = std::move(before);
  change.after = std::move(after);
  sas::v1::Change decoded;
  EXPECT_TRUE(decoded.ParseFromString(EncodeChange(change)));
  return decoded;
}

TEST(ChangeEncoderTest, AnAdditionIsTheResource) {
  const sas::v1::Change change = Encoded(std::shared_ptr<const registry::Phy>(), Ref(Phy()));
  EXPECT_EQ(change.kind(), sas::v1::CHANGE_KIND_ADDED);
  EXPECT_EQ(change.resource().phy().phy_identifier(), 3u);
  EXPECT_EQ(change.resource().phy().revision(), 7);
  EXPECT_FALSE(change.has_previous());
  EXPECT_FALSE(change.has_changed_fields());
}

TEST(ChangeEncoderTest, AModificationNamesWhatChangedAndHasWhatItWas) {
  registry::Phy after = Phy();
  after.facts.negotiated = LinkRate::k6Gbps;
  after.stamp.revision = 9;
  const sas::v1::Change change = Encoded(Ref(Phy()), Ref(after));
  EXPECT_EQ(change.kind(), sas::v1::CHANGE_KIND_MODIFIED);
  EXPECT_EQ(change.resource().phy().negotiated_link_rate(), sas::v1::LINK_RATE_6_GBPS);
  EXPECT_EQ(change.resource().phy().revision(), 9);
  EXPECT_THAT(change.changed_fields().paths(), ElementsAre("negotiated_link_rate"));
  sas::v1::Phy previous;
  previous.set_negotiated_link_rate(sas::v1::LINK_RATE_12_GBPS);
  EXPECT_EQ(change.previous().phy().SerializeAsString(), previous.SerializeAsString());
}

TEST(ChangeEncoderTest, TimesAreNoChangeAndThoseOfBeforeAreNamed) {
  registry::Phy before = Phy(), after = Phy();
  before.stamp.unix_nanos = 1'000'000'000;
  after.stamp = {9, 2'000'000'000};
  after.facts.negotiated = LinkRate::k6Gbps;
  const sas::v1::Change change = Encoded(Ref(before), Ref(after));
  EXPECT_THAT(change.changed_fields().paths(), ElementsAre("negotiated_link_rate"));
  EXPECT_EQ(change.previous_revision(), 7);
  EXPECT_EQ(change.previous_update_time().seconds(), 1);
  EXPECT_EQ(change.resource().phy().update_time().seconds(), 2);
}

// proto3 leaves out what is empty: such a field is in one encoding only.
TEST(ChangeEncoderTest, FieldsThatComeAndGo) {
  registry::Phy bare = Phy();
  bare.facts.attached = SasAddress(0);
  const sas::v1::Change gone = Encoded(Ref(Phy()), Ref(bare));
  EXPECT_THAT(gone.changed_fields().paths(), ElementsAre("attached_sas_address"));
  EXPECT_EQ(gone.previous().phy().attached_sas_address(), "5000c500a7b26111");
  const sas::v1::Change come = Encoded(Ref(bare), Ref(Phy()));
  EXPECT_THAT(come.changed_fields().paths(), ElementsAre("attached_sas_address"));
  EXPECT_TRUE(come.previous().has_phy());
  EXPECT_THAT(come.previous().phy().SerializeAsString(), IsEmpty());
}

TEST(ChangeEncoderTest, ARepeatedFieldIsOne) {
  registry::Port before, after;
  before.phys = {PhyId(0), PhyId(1), PhyId(2)};
  after.phys = {PhyId(0), PhyId(2)};
  const sas::v1::Change change = Encoded(Ref(before), Ref(after));
  EXPECT_THAT(change.changed_fields().paths(), testing::Contains("phy_identifiers"));
  EXPECT_THAT(change.previous().port().phy_identifiers(), ElementsAre(0, 1, 2));
  EXPECT_THAT(change.resource().port().phy_identifiers(), ElementsAre(0, 2));
}

TEST(ChangeEncoderTest, ARemovedEndDeviceIsGoneAndHasTheStateThatItWasIn) {
  registry::EndDevice device;
  device.facts.state = DeviceState::kAttached;
  const sas::v1::Change change = Encoded(Ref(device), std::shared_ptr<const registry::EndDevice>());
  EXPECT_EQ(change.kind(), sas::v1::CHANGE_KIND_REMOVED);
  EXPECT_EQ(change.resource().end_device().state(), sas::v1::DEVICE_STATE_GONE);
  EXPECT_EQ(change.previous().end_device().state(), sas::v1::DEVICE_STATE_ATTACHED);
}

TEST(ChangeEncoderTest, ARemovedPhyIsTheLastKnown) {
  const sas::v1::Change change = Encoded(Ref(Phy()), std::shared_ptr<const registry::Phy>());
  EXPECT_EQ(change.kind(), sas::v1::CHANGE_KIND_REMOVED);
  EXPECT_EQ(change.resource().phy().attached_sas_address(), "5000c500a7b26111");
  EXPECT_FALSE(change.has_previous());
}

}  // namespace
}  // namespace sasd::service
