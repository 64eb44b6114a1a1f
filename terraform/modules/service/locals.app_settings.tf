# The service's settings: exactly those of function_app/settings, held together by tests/terraform/test_app_settings.py. Each that is
# left out there is named in that test with its reason.
locals {
  service_settings = {
    EGRESS_REPOSITORY              = var.repository.url
    EGRESS_REF                     = var.repository.ref
    EGRESS_GIT_ACCESS              = var.repository.access
    EGRESS_GIT_USER                = var.repository.user
    EGRESS_GIT_TOKEN               = var.repository.access == "token" ? "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.this.name};SecretName=git-token)" : ""
    EGRESS_GITHUB_API              = var.repository.api
    EGRESS_GITHUB_APP_ID           = var.repository.github_app.id
    EGRESS_GITHUB_APP_INSTALLATION = var.repository.github_app.installation
    EGRESS_GITHUB_APP_KEY          = var.repository.access == "github-app" ? "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.this.name};SecretName=github-app-key)" : ""
    EGRESS_GIT_DEPLOY_KEY          = var.repository.access == "deploy-key" ? "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.this.name};SecretName=git-deploy-key)" : ""
    EGRESS_GIT_HOST_KEYS           = var.repository.host_keys
    EGRESS_GIT_SIGNERS             = var.repository.signers
    EGRESS_GIT_SIGNER_KEYS         = var.repository.signer_keys
    EGRESS_APPROVALS               = var.repository.approvals
    EGRESS_COMMIT_STATUS           = var.repository.commit_status
    EGRESS_PUBLIC_URL              = "https://${var.name}.azurewebsites.net"
    EGRESS_NOTICE_FORM             = try(var.notices.form, "teams")
    EGRESS_NOTICE_URL              = var.notices == null ? "" : "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.this.name};SecretName=notice-url)"
    EGRESS_TELEMETRY               = var.sinks.application_insights_connection_string
    EGRESS_DEFINITIONS_FOLDER      = "gitops"
    EGRESS_WEBHOOK_PROVIDER        = try(var.webhook.provider, "")
    EGRESS_WEBHOOK_SECRET          = var.webhook == null ? "" : "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.this.name};SecretName=webhook-secret)"
    EGRESS_WEBHOOK_SECOND_SECRET   = try(var.webhook.second_secret, false) ? "@Microsoft.KeyVault(VaultName=${azurerm_key_vault.this.name};SecretName=webhook-second-secret)" : ""
    EGRESS_WEBHOOK_BODY_BYTES      = tostring(local.body_bytes)
    EGRESS_STATE_FOLDER            = "/tmp/egress" # the copy of the repository alone; everything that counts lies in the account
    EGRESS_STORAGE_ACCOUNT         = trimsuffix(azurerm_storage_account.this.primary_blob_endpoint, "/")
    EGRESS_STORAGE_QUEUES          = trimsuffix(azurerm_storage_account.this.primary_queue_endpoint, "/")
    EGRESS_STORAGE_CONTAINER       = azurerm_storage_container.state.name
    EGRESS_AZURE_CREDENTIAL        = "managed-identity"
    EGRESS_AZURE_CLIENT_ID         = azurerm_user_assigned_identity.this.client_id
    EGRESS_CALLERS                 = "entra"
    EGRESS_READER_ROLE             = "Egress.Read"
    EGRESS_OPERATOR_ROLE           = "Egress.Operate"
    EGRESS_DRIFT_MINUTES           = tostring(var.drift_minutes)
    EGRESS_LOG_LEVEL               = "INFO"
  }

  # What the Functions host reads: storage and queue by identity, no key anywhere.
  host_settings = {
    FUNCTIONS_WORKER_RUNTIME                  = "python"
    PYTHON_SCRIPT_FILE_NAME                   = "main.py"
    PYTHON_THREADPOOL_THREAD_COUNT            = "32"   # functions wait for storage; left to itself it is four more than there are cores
    WEBSITES_PORT                             = "8080" # where the image listens, as the Dockerfile says
    AzureWebJobsDisableHomepage               = "true" # the status page stands there
    FUNCTIONS_REQUEST_BODY_SIZE_LIMIT         = tostring(local.body_bytes)
    AzureWebJobsStorage__accountName          = azurerm_storage_account.this.name
    AzureWebJobsStorage__credential           = "managedidentity"
    AzureWebJobsStorage__clientId             = azurerm_user_assigned_identity.this.client_id
    EgressStorage__queueServiceUri            = trimsuffix(azurerm_storage_account.this.primary_queue_endpoint, "/")
    EgressStorage__credential                 = "managedidentity"
    EgressStorage__clientId                   = azurerm_user_assigned_identity.this.client_id
    APPLICATIONINSIGHTS_CONNECTION_STRING     = var.sinks.application_insights_connection_string
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING = "ClientId=${azurerm_user_assigned_identity.this.client_id};Authorization=AAD"
    WEBSITES_ENABLE_APP_SERVICE_STORAGE       = "false"
    WEBSITE_RUN_FROM_PACKAGE                  = "0"
  }

  body_bytes = 4194304
}
