// Serves objects at a TCP endpoint and calls them, in one process, in the zero-copy form.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "drover/drover.h"
#include "library.drover_zero_copy.h"

class PrintedBook final : public books::BookZeroCopyServant {
 public:
  explicit PrintedBook(std::string title) : title_(std::move(title)) {}
  absl::Status TextZeroCopy(TextContext& call) override {
    call.results().setText(("the text of " + title_).c_str());
    return absl::OkStatus();
  }

 private:
  const std::string title_;
};

class TownLibrary final : public books::LibraryZeroCopyServant {
 public:
  absl::Status LendZeroCopy(LendContext& call) override {
    const books::BookProxy book(std::make_shared<PrintedBook>(call.params().getTitle().cStr()));
    call.results().setBook(drover::ClientOf(book));
    return absl::OkStatus();
  }
};

int main() {
  auto server = drover::Serve("tcp://127.0.0.1:0", std::make_shared<TownLibrary>());
  if (!server.ok()) return drover::ExitWith(server.status());
  const auto library = drover::Connect<books::LibraryProxy>(server->endpoint());

  auto call = books::LibraryZeroCopyProxy(library).Lend();
  call.params().setTitle("Emma");
  const auto lent = call.Send();
  if (!lent.ok()) return drover::ExitWith(lent.status());
  const books::BookProxy book = drover::ProxyOf(lent->results().getBook());
  const auto text = books::BookZeroCopyProxy(book).Text().Send();
  if (!text.ok()) return drover::ExitWith(text.status());
  if (std::string(text->results().getText().cStr()) == "the text of Emma") return 0;
  std::cerr << "another text: " << text->results().getText().cStr() << "\n";
  return 1;
}
