/** Short messages at the edge of the page; their code is loaded with the first one. */

export async function notify(message: string): Promise<void> {
  const { toast } = await import('vue-sonner')
  toast.success(message)
}

export async function notifyFailure(message: string): Promise<void> {
  const { toast } = await import('vue-sonner')
  toast.error(message)
}
