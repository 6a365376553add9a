#include "struct_model.h"

#include <algorithm>

#include "names.h"

namespace drover::codegen {
namespace {

std::string FieldName(FieldReader field) {
  return {field.getName().begin(), field.getName().size()};
}

bool InUnion(FieldReader field) {
  return field.getDiscriminantValue() != capnp::schema::Field::NO_DISCRIMINANT;
}

}  // namespace

bool StructModel::has_any_union() const {
  return has_union() || std::any_of(fields.begin(), fields.end(), [](const Member& member) {
           return member.group != nullptr && member.group->has_any_union();
         });
}

bool StructModel::is_void() const {
  return !has_union() && std::all_of(fields.begin(), fields.end(), [](const Member& member) {
    return member.group != nullptr ? member.group->is_void() : member.type().isVoid();
  });
}

StructModel StructModels::Make(uint64_t struct_id, const std::set<std::string>& taken) const {
  StructModel model = MakeScope(struct_id, struct_id, index_.FlatName(struct_id),
                                index_.QualifiedName(struct_id), taken);
  model.comment = index_.Comment(struct_id);
  return model;
}

bool StructModel::has_incomplete() const {
  const auto incomplete = [](const Member& member) { return member.incomplete; };
  return std::any_of(fields.begin(), fields.end(), incomplete) ||
         std::any_of(alternatives.begin(), alternatives.end(), incomplete);
}

bool StructModels::IsIncomplete(const StructModel::Member& member, uint64_t holder) const {
  if (member.group != nullptr) return member.group->has_incomplete();
  if (!member.type().isList()) return false;
  const TypeReader element = ElementOfLists(member.type());
  return element.isStruct() && order_.IsDefinedLater(holder, element.getStruct().getTypeId());
}

StructModel StructModels::MakeScope(uint64_t id, uint64_t holder, std::string type_name,
                                    std::string qualified_name, std::set<std::string> taken) const {
  const auto node = index_.Node(id).getStruct();
  StructModel model;
  model.id = id;
  model.type_name = std::move(type_name);
  model.qualified_name = std::move(qualified_name);

  NameScope types({model.type_name, "Which"});
  for (NodeReader nested : index_.Nested(id)) {
    if (nested.isConst() || nested.isAnnotation()) continue;
    model.nested.emplace_back(types.Claim(index_.LocalName(nested.getId())), nested.getId());
  }

  if (node.getDiscriminantCount() > 0) taken.insert({"which", "alternative_"});
  NameScope members(std::move(taken));
  uint32_t position = 0;
  for (FieldReader field : node.getFields()) {
    StructModel::Member member;
    member.field = field;
    member.holder = id;
    member.name = members.Claim(SnakeCase(FieldName(field)));
    member.capnp = index_.CapnpAccessor(field);
    member.comment = index_.MemberComment(id, position++);
    if (field.isGroup()) {
      const uint64_t group = field.getGroup().getTypeId();
      std::string name = types.Claim(TitleCase(FieldName(field)));
      std::string qualified = model.qualified_name + "::" + name;
      member.group =
          std::make_shared<StructModel>(MakeScope(group, holder, name, std::move(qualified), {}));
    } else if (member.type().isStruct()) {
      member.boxed = order_.IsBoxed(holder, member.type().getStruct().getTypeId());
    }
    member.incomplete = IsIncomplete(member, holder);
    (InUnion(field) ? model.alternatives : model.fields).push_back(std::move(member));
  }

  for (StructModel::Member& alternative : model.alternatives) {
    const std::string name = SnakeCase(FieldName(alternative.field));
    alternative.enumerator = ConstantCase(FieldName(alternative.field));
    alternative.is = members.Claim("is_" + name);
    alternative.set = members.Claim("set_" + name);
    alternative.mutable_get = members.Claim("mutable_" + name);
  }
  std::stable_sort(model.fields.begin(), model.fields.end(), [](const auto& a, const auto& b) {
    return a.field.getCodeOrder() < b.field.getCodeOrder();
  });
  std::stable_sort(
      model.alternatives.begin(), model.alternatives.end(),
      [](const auto& a, const auto& b) { return a.discriminant() < b.discriminant(); });
  return model;
}

}  // namespace drover::codegen
