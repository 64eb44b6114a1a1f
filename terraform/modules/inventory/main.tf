# Reading and judging is one module, refusing another: so a test can look at the problems of many trees at once.
module "definitions" {
  source = "./definitions"
  path   = var.path
  also   = var.also
}
