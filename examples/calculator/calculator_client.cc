// Calculates somewhere else, at a server of Drover or of Cap'n Proto:
//
//   calculator_client unix:///tmp/calculator.sock
#include <cmath>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "calculator.drover.h"
#include "drover/drover.h"

using calculator::CalculatorFunctionProxy;
using calculator::CalculatorProxy;
using calculator::CalculatorValueProxy;
using Expression = calculator::CalculatorExpression;
using Operator = calculator::CalculatorOperator;

Expression Literal(double value) {
  Expression expression;
  expression.set_literal(value);
  return expression;
}
Expression Previous(CalculatorValueProxy value) {
  Expression expression;
  expression.set_previous_result(std::move(value));
  return expression;
}
Expression Parameter(uint32_t number) {
  Expression expression;
  expression.set_parameter(number);
  return expression;
}
Expression Call(CalculatorFunctionProxy function, std::vector<Expression> params) {
  Expression expression;
  expression.set_call({.function = std::move(function), .params = std::move(params)});
  return expression;
}

// A function of this program, which the server calls back.
class Power final : public calculator::CalculatorFunctionServant {
 public:
  absl::StatusOr<double> Call(std::vector<double> params) override {
    if (params.size() != 2) return absl::InvalidArgumentError("wrong number of parameters");
    return std::pow(params[0], params[1]);
  }
};

absl::Status Calculate(const CalculatorProxy& proxy) {
  // Nothing of this waits until the last line: each call is made with the results of those before
  // it while these are still being calculated.
  const CalculatorProxy::Async calculator = proxy.async();
  const auto add = calculator.GetOperator(Operator::kAdd).Pipeline();
  const auto multiply = calculator.GetOperator(Operator::kMultiply).Pipeline();
  const auto sum = calculator.Evaluate(Call(add, {Literal(20), Literal(1)})).Pipeline();
  const auto product = calculator.Evaluate(Call(multiply, {Previous(sum), Literal(2)})).Pipeline();
  DROVER_ASSIGN_OR_RETURN(double value, product.Read().Get());
  std::cout << "(20 + 1) * 2 = " << value << std::endl;

  // f(x, y) = x * 10 + y, defined there once, called there as often as needed.
  const auto f =
      calculator
          .DefFunction(2, Call(add, {Call(multiply, {Parameter(0), Literal(10)}), Parameter(1)}))
          .Pipeline();
  const auto nested = calculator.Evaluate(Call(f, {Call(f, {Literal(1), Literal(2)}), Literal(3)}));
  DROVER_ASSIGN_OR_RETURN(value, nested.Pipeline().Read().Get());
  std::cout << "f(f(1, 2), 3) = " << value << std::endl;

  // The server calls back to this process.
  const CalculatorFunctionProxy power(std::make_shared<Power>());
  const auto raised =
      calculator.Evaluate(Call(power, {Literal(2), Call(add, {Literal(4), Literal(6)})}));
  DROVER_ASSIGN_OR_RETURN(value, raised.Pipeline().Read().Get());
  std::cout << "2 ^ (4 + 6) = " << value << std::endl;

  // What is calculated with a value that cannot be had fails as that does.
  const auto wrong = calculator.Evaluate(Parameter(0));
  const auto spoiled = calculator.Evaluate(Call(add, {Previous(wrong.Pipeline()), Literal(1)}));
  const absl::Status failed = spoiled.Pipeline().Read().Get().status();
  const bool refused = failed.message().find("there is no such parameter") != std::string::npos;
  std::cout << "a parameter of nothing: " << (refused ? "refused" : failed.ToString()) << std::endl;
  return absl::OkStatus();
}

int main(int argc, char** argv) {
  if (argc != 2) {
    return drover::ExitWith(absl::InvalidArgumentError("usage: calculator_client <endpoint>"));
  }
  return drover::ExitWith(Calculate(drover::Connect<CalculatorProxy>(argv[1])));
}
