"""The rules that documents are held to."""

from graphql import GraphQLError, GraphQLInputType, ValueNode, specified_rules
from graphql.language.visitor import SKIP, VisitorAction
from graphql.validation import (
    ASTValidationRule,
    FieldsOnCorrectTypeRule,
    KnownTypeNamesRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    ValuesOfCorrectTypeRule,
)

from gateway.surfaces.graphql.limits import Limits
from gateway.surfaces.graphql.operations.suggestions import SuggestedFields, SuggestedTypes
from gateway.surfaces.graphql.operations.values import fits_literal, literal_issues


def rules_within(limits: Limits) -> list[type[ASTValidationRule]]:
    """GraphQL's rules of validation, some of them in forms of our own."""

    class BoundedOverlap(OverlappingFieldsCanBeMergedRule):
        """The rule with a smaller budget: graphql-core's own lets 4 KB cost a second."""

        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            self.rule_context.remaining_complexity_budget = limits.overlap_budget

    own: dict[type[ASTValidationRule], type[ASTValidationRule]] = {
        OverlappingFieldsCanBeMergedRule: BoundedOverlap,
        ValuesOfCorrectTypeRule: QuietLiterals,
        KnownTypeNamesRule: SuggestedTypes,
        FieldsOnCorrectTypeRule: SuggestedFields,
    }
    return [own.get(rule, rule) for rule in specified_rules]


class QuietLiterals(ValuesOfCorrectTypeRule):
    """The rule that literals fit their types, with messages that do not quote the literal.

    graphql-core's own function writes out the whole literal for each fault in it, so that 600
    unknown members of 4 KB cost half a minute; it is asked where we find no fault.
    """

    def is_valid_value_node(
        self, node: ValueNode, input_type: GraphQLInputType | None
    ) -> VisitorAction:
        """Report issues of a literal, as many as validation takes."""
        if input_type is None:
            return SKIP
        is_faultless = True
        for issue in literal_issues(node, input_type, ""):
            is_faultless = False
            told = f"In this literal, {issue.path or 'it'} {issue.message}"
            self.report_error(GraphQLError(told, node))
        if is_faultless and not fits_literal(node, input_type):
            told = f"In this literal, it must be a value of {input_type}"
            self.report_error(GraphQLError(told, node))
        return SKIP
