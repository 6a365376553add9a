// stock_calculator_client ENDPOINT: what examples/calculator/calculator_client calculates, by way
// of Cap'n Proto's own RPC runtime without any of Drover. Prints the same, and what goes wrong.
#include <capnp/ez-rpc.h>
#include <kj/debug.h>

#include <cmath>
#include <exception>
#include <iostream>
#include <string>

#include "calculator.capnp.h"
#include "interop/stock_endpoint.h"

namespace interop::stock {
namespace {

using Function = Calculator::Function;
using Value = Calculator::Value;

class Power final : public Function::Server {
 protected:
  kj::Promise<void> call(CallContext context) override {
    auto params = context.getParams().getParams();
    KJ_REQUIRE(params.size() == 2, "wrong number of parameters");
    context.getResults().setValue(std::pow(params[0], params[1]));
    return kj::READY_NOW;
  }
};

class Client {
 public:
  explicit Client(const std::string& endpoint)
      : client_(KjAddress(endpoint).c_str()), calculator_(client_.getMain<Calculator>()) {}

  void Calculate() {
    Function::Client add = Operator(Calculator::Operator::ADD);
    Function::Client multiply = Operator(Calculator::Operator::MULTIPLY);

    auto sum = calculator_.evaluateRequest();
    auto operands = InitCall(sum.initExpression(), add, 2);
    operands[0].setLiteral(20);
    operands[1].setLiteral(1);
    auto product = calculator_.evaluateRequest();
    operands = InitCall(product.initExpression(), multiply, 2);
    operands[0].setPreviousResult(sum.send().getValue());
    operands[1].setLiteral(2);
    std::cout << "(20 + 1) * 2 = " << Read(product.send().getValue()) << std::endl;

    auto define = calculator_.defFunctionRequest();
    define.setParamCount(2);
    operands = InitCall(define.initBody(), add, 2);
    auto tens = InitCall(operands[0], multiply, 2);
    tens[0].setParameter(0);
    tens[1].setLiteral(10);
    operands[1].setParameter(1);
    Function::Client f = define.send().getFunc();
    auto nested = calculator_.evaluateRequest();
    operands = InitCall(nested.initExpression(), f, 2);
    auto inner = InitCall(operands[0], f, 2);
    inner[0].setLiteral(1);
    inner[1].setLiteral(2);
    operands[1].setLiteral(3);
    std::cout << "f(f(1, 2), 3) = " << Read(nested.send().getValue()) << std::endl;

    auto raised = calculator_.evaluateRequest();
    operands = InitCall(raised.initExpression(), kj::heap<Power>(), 2);
    operands[0].setLiteral(2);
    auto exponent = InitCall(operands[1], add, 2);
    exponent[0].setLiteral(4);
    exponent[1].setLiteral(6);
    std::cout << "2 ^ (4 + 6) = " << Read(raised.send().getValue()) << std::endl;

    // A value that cannot be had fails whatever is calculated with it.
    auto wrong = calculator_.evaluateRequest();
    wrong.initExpression().setParameter(0);
    auto spoiled = calculator_.evaluateRequest();
    operands = InitCall(spoiled.initExpression(), add, 2);
    operands[0].setPreviousResult(wrong.send().getValue());
    operands[1].setLiteral(1);
    std::cout << "a parameter of nothing: " << ErrorOf(spoiled.send().getValue()) << std::endl;
  }

 private:
  using Expressions = capnp::List<Calculator::Expression>::Builder;

  static Expressions InitCall(Calculator::Expression::Builder expression, Function::Client function,
                              unsigned params) {
    auto call = expression.initCall();
    call.setFunction(function);
    return call.initParams(params);
  }
  Function::Client Operator(Calculator::Operator op) {
    auto request = calculator_.getOperatorRequest();
    request.setOp(op);
    return request.send().getFunc();
  }
  double Read(Value::Client value) {
    return value.readRequest().send().wait(client_.getWaitScope()).getValue();
  }
  std::string ErrorOf(Value::Client value) {
    try {
      return std::to_string(Read(value));
    } catch (const kj::Exception& e) {
      const std::string what = e.getDescription().cStr();
      return what.find("there is no such parameter") != std::string::npos ? "refused" : what;
    }
  }

  capnp::EzRpcClient client_;
  Calculator::Client calculator_;
};

}  // namespace
}  // namespace interop::stock

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: stock_calculator_client ENDPOINT\n";
    return 2;
  }
  try {
    interop::stock::Client(argv[1]).Calculate();
    return 0;
  } catch (const kj::Exception& e) {
    std::cout << "FAILED: " << e.getDescription().cStr() << std::endl;
  } catch (const std::exception& e) {
    std::cout << "FAILED: " << e.what() << std::endl;
  }
  return 1;
}
