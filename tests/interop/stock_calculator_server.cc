// stock_calculator_server ENDPOINT: the calculator of examples/calculator, served by Cap'n Proto's
// own RPC runtime without any of Drover. Prints its endpoint when it is ready; ends with the
// process that started it.
#include <capnp/ez-rpc.h>
#include <capnp/message.h>
#include <kj/debug.h>
#include <sys/prctl.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>

#include "calculator.capnp.h"
#include "interop/stock_endpoint.h"

namespace interop::stock {
namespace {

using Params = capnp::List<double>::Reader;

// The readers must live until the promise is kept.
kj::Promise<double> ValueOf(Calculator::Expression::Reader expression, Params params) {
  switch (expression.which()) {
    case Calculator::Expression::LITERAL:
      return expression.getLiteral();
    case Calculator::Expression::PREVIOUS_RESULT:
      return expression.getPreviousResult().readRequest().send().then(
          [](capnp::Response<Calculator::Value::ReadResults> read) { return read.getValue(); });
    case Calculator::Expression::PARAMETER:
      KJ_REQUIRE(expression.getParameter() < params.size(), "there is no such parameter");
      return params[expression.getParameter()];
    case Calculator::Expression::CALL: {
      auto call = expression.getCall();
      auto arguments = kj::heapArrayBuilder<kj::Promise<double>>(call.getParams().size());
      for (auto argument : call.getParams()) arguments.add(ValueOf(argument, params));
      return kj::joinPromises(arguments.finish())
          .then([function = call.getFunction()](kj::Array<double> values) mutable {
            auto request = function.callRequest();
            request.setParams(values);
            return request.send().then(
                [](capnp::Response<Calculator::Function::CallResults> returned) {
                  return returned.getValue();
                });
          });
    }
  }
  KJ_FAIL_REQUIRE("an expression of a kind that is not known");
}

class Number final : public Calculator::Value::Server {
 public:
  explicit Number(double value) : value_(value) {}

 protected:
  kj::Promise<void> read(ReadContext context) override {
    context.getResults().setValue(value_);
    return kj::READY_NOW;
  }

 private:
  const double value_;
};

class DefinedFunction final : public Calculator::Function::Server {
 public:
  DefinedFunction(unsigned param_count, Calculator::Expression::Reader body)
      : param_count_(param_count) {
    body_.setRoot(body);
  }

 protected:
  kj::Promise<void> call(CallContext context) override {
    auto params = context.getParams().getParams();
    KJ_REQUIRE(params.size() == param_count_, "wrong number of parameters");
    return ValueOf(body_.getRoot<Calculator::Expression>(), params)
        .then([context](double value) mutable { context.getResults().setValue(value); });
  }

 private:
  const unsigned param_count_;
  capnp::MallocMessageBuilder body_;
};

class OperatorFunction final : public Calculator::Function::Server {
 public:
  explicit OperatorFunction(Calculator::Operator op) : op_(op) {}

 protected:
  kj::Promise<void> call(CallContext context) override {
    auto params = context.getParams().getParams();
    KJ_REQUIRE(params.size() == 2, "wrong number of parameters");
    context.getResults().setValue(Apply(params[0], params[1]));
    return kj::READY_NOW;
  }

 private:
  double Apply(double a, double b) const {
    switch (op_) {
      case Calculator::Operator::ADD:
        return a + b;
      case Calculator::Operator::SUBTRACT:
        return a - b;
      case Calculator::Operator::MULTIPLY:
        return a * b;
      case Calculator::Operator::DIVIDE:
        return a / b;
    }
    KJ_FAIL_REQUIRE("an operator that is not known");
  }

  const Calculator::Operator op_;
};

class CalculatorImpl final : public Calculator::Server {
 protected:
  kj::Promise<void> evaluate(EvaluateContext context) override {
    return ValueOf(context.getParams().getExpression(), {}).then([context](double value) mutable {
      context.getResults().setValue(kj::heap<Number>(value));
    });
  }

  kj::Promise<void> defFunction(DefFunctionContext context) override {
    auto params = context.getParams();
    KJ_REQUIRE(params.getParamCount() >= 0, "wrong number of parameters");
    context.getResults().setFunc(
        kj::heap<DefinedFunction>(params.getParamCount(), params.getBody()));
    return kj::READY_NOW;
  }

  kj::Promise<void> getOperator(GetOperatorContext context) override {
    context.getResults().setFunc(kj::heap<OperatorFunction>(context.getParams().getOp()));
    return kj::READY_NOW;
  }
};

void Serve(const std::string& endpoint) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  capnp::EzRpcServer server(kj::heap<CalculatorImpl>(), KjAddress(endpoint).c_str());
  kj::WaitScope& wait = server.getWaitScope();
  std::cout << BoundEndpoint(endpoint, server.getPort().wait(wait)) << std::endl;
  kj::Promise<void>(kj::NEVER_DONE).wait(wait);
}

}  // namespace
}  // namespace interop::stock

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: stock_calculator_server ENDPOINT\n";
    return 2;
  }
  try {
    interop::stock::Serve(argv[1]);
  } catch (const kj::Exception& e) {
    std::cerr << "stock_calculator_server: " << e.getDescription().cStr() << "\n";
  } catch (const std::exception& e) {
    std::cerr << "stock_calculator_server: " << e.what() << "\n";
  }
  return 1;
}
