# What the sample under gitops/ needs besides; copy it and fill in your own.
tenant_id              = "99999999-8888-7777-6666-555555555555"
admin_group_object_ids = ["aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
home_hub               = "hub1"
alert_emails           = { platform = "platform@example.com" }
image_tag              = "2027-01-15-a1b2c3d"
state_account_id       = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/egress-state/providers/Microsoft.Storage/storageAccounts/egressstatetf"
repository             = { url = "https://github.com/example/egress.git" }
webhook                = { provider = "github" }
budget                 = { amount = 6000, start_date = "2027-01-01T00:00:00Z" }

service = {
  name = "egress-gitops"
  network = {
    address_space = "10.255.0.0/24"
    function      = "10.255.0.0/26"
    endpoints     = "10.255.0.64/27"
  }
}
