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

// Handles the IOC's calls at once, in the IOC's own context (the kernel driver's interrupt
// context): acknowledges, decodes and checks an event, does what must not wait for the worker, and
// queues the event. It reads no page and waits for nothing. The IOC calls it once at a time
// (IocListener); any thread may read its counters.
class Arrival {
 public:
  // Borrows everything for its lifetime. `handshake` is null if the IOC is not ours.
  Arrival(EventQueue& queue, device::NodeTable& nodes, device::DeviceTable& devices,
          FrameSender sender, RemovalHandshake* handshake)
      : queue_(queue),
        nodes_(nodes),
        devices_(devices),
        sender_(std::move(sender)),
        handshake_(handshake) {}

  // Sets the highest valid handle (IOC facts, MaxDevHandle); greater ones are rejected. Call before
  // the first event.
  void set_max_handle(DevHandle handle) { max_handle_ = handle; }

  // See IocListener.
  void OnEvent(const transport::EventArrival& event);
  void OnEventsLost(uint32_t count);
  void OnResetBegin();
  void OnReady();

  // The number of host resets begun: the epoch of the handles.
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
