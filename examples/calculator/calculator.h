// The calculator as servants.
#ifndef EXAMPLES_CALCULATOR_CALCULATOR_H_
#define EXAMPLES_CALCULATOR_CALCULATOR_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "calculator.drover.h"
#include "drover/drover.h"

// A number, as an object.
class Number final : public calculator::CalculatorValueServant {
 public:
  explicit Number(double value) : value_(value) {}
  absl::StatusOr<double> Read() override { return value_; }

 private:
  const double value_;
};

// The value of an expression. Whatever it refers to is called for it: values and functions of this
// process, or of the client.
inline absl::StatusOr<double> ValueOf(const calculator::CalculatorExpression& expression,
                                      const std::vector<double>& params) {
  using Which = calculator::CalculatorExpression::Which;
  switch (expression.which()) {
    case Which::kLiteral:
      return expression.literal();
    case Which::kPreviousResult:
      return expression.previous_result().Read();
    case Which::kParameter:
      if (expression.parameter() < params.size()) return params[expression.parameter()];
      return absl::InvalidArgumentError("there is no such parameter");
    case Which::kCall: {
      std::vector<double> arguments;
      for (const auto& argument : expression.call().params) {
        DROVER_ASSIGN_OR_RETURN(double value, ValueOf(argument, params));
        arguments.push_back(value);
      }
      return expression.call().function.Call(arguments);
    }
  }
  return absl::UnimplementedError("an expression of a kind that is not known");
}

class DefinedFunction final : public calculator::CalculatorFunctionServant {
 public:
  DefinedFunction(size_t param_count, calculator::CalculatorExpression body)
      : param_count_(param_count), body_(std::move(body)) {}

  absl::StatusOr<double> Call(std::vector<double> params) override {
    if (params.size() == param_count_) return ValueOf(body_, params);
    return absl::InvalidArgumentError("wrong number of parameters");
  }

 private:
  const size_t param_count_;
  const calculator::CalculatorExpression body_;
};

class OperatorFunction final : public calculator::CalculatorFunctionServant {
 public:
  explicit OperatorFunction(calculator::CalculatorOperator op) : op_(op) {}

  absl::StatusOr<double> Call(std::vector<double> params) override {
    if (params.size() != 2) return absl::InvalidArgumentError("wrong number of parameters");
    switch (op_) {
      case calculator::CalculatorOperator::kAdd:
        return params[0] + params[1];
      case calculator::CalculatorOperator::kSubtract:
        return params[0] - params[1];
      case calculator::CalculatorOperator::kMultiply:
        return params[0] * params[1];
      case calculator::CalculatorOperator::kDivide:
        return params[0] / params[1];
    }
    return absl::UnimplementedError("an operator that is not known");
  }

 private:
  const calculator::CalculatorOperator op_;
};

class PocketCalculator final : public calculator::CalculatorServant {
 public:
  absl::StatusOr<calculator::CalculatorValueProxy> Evaluate(
      calculator::CalculatorExpression expression) override {
    DROVER_ASSIGN_OR_RETURN(double value, ValueOf(expression, /*params=*/{}));
    return std::make_shared<Number>(value);
  }
  absl::StatusOr<calculator::CalculatorFunctionProxy> DefFunction(
      int32_t param_count, calculator::CalculatorExpression body) override {
    if (param_count < 0) return absl::InvalidArgumentError("wrong number of parameters");
    return std::make_shared<DefinedFunction>(param_count, std::move(body));
  }
  absl::StatusOr<calculator::CalculatorFunctionProxy> GetOperator(
      calculator::CalculatorOperator op) override {
    return std::make_shared<OperatorFunction>(op);
  }
};

#endif  // EXAMPLES_CALCULATOR_CALCULATOR_H_
