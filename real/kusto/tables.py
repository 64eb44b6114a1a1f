"""The tables that our queries read, with the columns that Microsoft documents and a query may name.

Source of each: learn.microsoft.com/azure/azure-monitor/reference/tables/NAME (in lower case), read in November 2026; `_` columns
and those of no use here are left out. A query that names another column is refused: take it from there, not from memory.
"""

from __future__ import annotations

from collections.abc import Mapping

_FIREWALL = """
    Action: string, ActionReason: string, DestinationPort: int, Policy: string, Protocol: string, Rule: string,
    RuleCollection: string, RuleCollectionGroup: string, SourceIp: string, SourcePort: int, TimeGenerated: datetime, Type: string
"""
_APPLICATION = """
    AppRoleInstance: string, AppRoleName: string, AppVersion: string, ItemCount: int, OperationId: string, OperationName: string,
    ParentId: string, Properties: dynamic, TimeGenerated: datetime, Type: string
"""

TABLES: Mapping[str, str] = {
    "AZFWApplicationRule": f"({_FIREWALL}, Fqdn: string, IsTlsInspected: bool, TargetUrl: string)",
    "AZFWNetworkRule": f"({_FIREWALL}, DestinationIp: string)",
    "AppMetrics": f"({_APPLICATION}, Max: real, Min: real, Name: string)",
    "AppTraces": f"({_APPLICATION}, Measurements: dynamic, Message: string, SeverityLevel: int)",
    # Open: a service's own columns come with its first row, so a query asks for them by column_ifexists.
    "AzureDiagnostics": """(
        CallerIPAddress: string, Category: string, CorrelationId: string, DurationMs: long, Level: string, Message: string,
        OperationName: string, Resource: string, ResourceGroup: string, ResourceProvider: string, ResourceType: string,
        ResultDescription: string, ResultSignature: string, ResultType: string, TimeGenerated: datetime
    )""",
    "StorageQueueLogs": """(
        AccountName: string, AuthenticationType: string, CallerIpAddress: string, Category: string, CorrelationId: string,
        DurationMs: real, ObjectKey: string, OperationCount: int, OperationName: string, TimeGenerated: datetime
    )""",
}
