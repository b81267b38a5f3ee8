#ifndef DRIVER_DISCOVERY_ARRIVAL_H_
#define DRIVER_DISCOVERY_ARRIVAL_H_

#include <atomic>
#include <cstdint>

#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/discovery/event_queue.h"
#include "driver/discovery/frame_sender.h"
#include "driver/discovery/removal_handshake.h"
#include "driver/transport/ioc_transport.h"
#include "driver/wire/mpi/events.h"

namespace sasd::discovery {

// What happens at once when the IOC tells something, in its own context (the kernel driver's
// interrupt context): acknowledge, decode and check, do what must not wait for the worker, queue.
// Reads no page, waits for nothing. Called one at a time (IocListener); its counters from any
// thread.
class Arrival {
 public:
  // Borrows everything for its lifetime. `handshake` is null where the IOC is not ours.
  Arrival(EventQueue& queue, device::NodeTable& nodes, device::DeviceTable& devices,
          FrameSender sender, RemovalHandshake* handshake)
      : queue_(queue),
        nodes_(nodes),
        devices_(devices),
        sender_(std::move(sender)),
        handshake_(handshake) {}

  // Handles above this one are rejected (IOC facts, MaxDevHandle). Before the first event.
  void set_max_handle(DevHandle handle) { max_handle_ = handle; }

  // As IocListener has them.
  void OnEvent(const transport::EventArrival& event);
  void OnEventsLost(uint32_t count);
  void OnResetBegin();
  void OnReady();

  // Host resets that have begun: the epoch of the handles.
  uint32_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  uint64_t received() const { return received_.load(std::memory_order_relaxed); }
  uint64_t rejected() const { return rejected_.load(std::memory_order_relaxed); }
  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  void Acknowledge(const transport::EventArrival& event);
  absl::Status CheckHandles(const mpi::EventData& data) const;
  void Prepare(Event& event);
  void PrepareTopology(const mpi::TopologyChangeList& list, Event& event);
  void PrepareRaid(const mpi::IrConfigurationChangeList& list);
  void PrepareStatus(const mpi::DeviceStatusChange& change);
  void StartHandshake(DevHandle handle);
  void Block(DevHandle handle, Event& event);
  void BlockBeneath(const device::NodeRef& node, int depth, Event& event);
  void Push(Event::Kind kind, uint32_t lost);

  EventQueue& queue_;
  device::NodeTable& nodes_;
  device::DeviceTable& devices_;
  const FrameSender sender_;
  RemovalHandshake* const handshake_;
  DevHandle max_handle_{0xFFFF};
  std::atomic<uint32_t> epoch_{0};
  std::atomic<uint64_t> received_{0}, rejected_{0}, lost_{0};
};

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_ARRIVAL_H_
