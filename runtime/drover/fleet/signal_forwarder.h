// While it lives, passes the signals by which shells and service managers steer a program on to a
// supervisor: HUP, INT, QUIT, TERM, USR1, USR2, TTIN, TTOU. Only those that the program leaves at
// their default; what it handles or ignores stays its own.
//
//   SignalForwarder forwarder(supervisor_pidfd);
//   poll({forwarder.fd(), ...});
//   forwarder.Forward();          // when fd() is readable
//
// Several may live at once, for several fleets: each signal goes to all of them, whichever thread
// forwards it. The last one restores the defaults.
//
// Thread-safety: thread-safe. Ownership: borrows the pidfd. Errors: none; without a pipe nothing is
// forwarded, and said in the log. Blocking: never.
#ifndef DROVER_FLEET_SIGNAL_FORWARDER_H_
#define DROVER_FLEET_SIGNAL_FORWARDER_H_

namespace drover::fleet {

class SignalForwarder {
 public:
  explicit SignalForwarder(int supervisor_pidfd);
  ~SignalForwarder();
  SignalForwarder(const SignalForwarder&) = delete;
  SignalForwarder& operator=(const SignalForwarder&) = delete;

  // Readable while a signal waits to be forwarded; -1 if there is no pipe.
  int fd() const;
  void Forward();

 private:
  const int pidfd_;
};

// kill() of the very process that the pidfd was opened for; nothing once it is reaped.
void SendSignal(int pidfd, int signal);

}  // namespace drover::fleet

#endif  // DROVER_FLEET_SIGNAL_FORWARDER_H_
